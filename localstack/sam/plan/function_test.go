package plan

import "testing"

func TestAllows(t *testing.T) {
	const source = "arn:aws:execute-api:us-east-1:000000000000:abc/prod/$connect"
	allow := Permission{Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com", SourceARN: source}
	with := func(change func(*Permission)) Permission {
		p := allow
		change(&p)
		return p
	}
	tests := []struct {
		name       string
		permission Permission
		want       bool
	}{
		{"exact", allow, true},
		{"any source", with(func(p *Permission) { p.SourceARN = "" }), true},
		{"any route", with(func(p *Permission) {
			p.SourceARN = "arn:aws:execute-api:us-east-1:000000000000:abc/prod/*"
		}), true},
		{"any stage and route", with(func(p *Permission) { p.SourceARN = "arn:aws:execute-api:*:*:abc/*" }), true},
		{"one character", with(func(p *Permission) {
			p.SourceARN = "arn:aws:execute-api:us-east-1:000000000000:abc/pro?/*t"
		}), true},
		{"any principal", with(func(p *Permission) { p.Principal = "*" }), true},
		{"every action", with(func(p *Permission) { p.Action = "lambda:*" }), true},
		{"its account", with(func(p *Permission) { p.SourceAccount = "000000000000" }), true},
		{"another account", with(func(p *Permission) { p.SourceAccount = "123456789012" }), false},
		{"another stage", with(func(p *Permission) {
			p.SourceARN = "arn:aws:execute-api:us-east-1:000000000000:abc/beta/*"
		}), false},
		{"too deep", with(func(p *Permission) {
			p.SourceARN = "arn:aws:execute-api:us-east-1:000000000000:abc/prod/*/*"
		}), false},
		{"another service", with(func(p *Permission) { p.Principal = "events.amazonaws.com" }), false},
		{"another action", with(func(p *Permission) { p.Action = "lambda:GetFunction" }), false},
		{"a prefix only", with(func(p *Permission) { p.SourceARN = "arn:aws:execute-api" }), false},
	}
	for _, test := range tests {
		f := Function{Permissions: []Permission{test.permission}}
		if got := f.Allows("apigateway.amazonaws.com", source, "000000000000"); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
	if new(Function).Allows("apigateway.amazonaws.com", source, "000000000000") {
		t.Error("a function without permissions may be invoked")
	}
}

func TestPlanFindsFunctions(t *testing.T) {
	p := Plan{Functions: []Function{{
		LogicalID: "Send",
		Name:      "local-Send",
		ARN:       "arn:aws:lambda:us-east-1:000000000000:function:local-Send",
	}}}
	for _, id := range []string{"Send", "local-Send", "local-Send:live", p.Functions[0].ARN,
		p.Functions[0].ARN + ":1"} {
		if p.Function(id) == nil {
			t.Errorf("%s is not found", id)
		}
	}
	for _, id := range []string{"", "local-Sen", "arn:aws:sqs:us-east-1:000000000000:local-Send",
		"arn:aws:lambda:us-east-1:000000000000:layer:local-Send", "arn:aws"} {
		if f := p.Function(id); f != nil {
			t.Errorf("%q finds %s", id, f.LogicalID)
		}
	}
}
