package awsname

import (
	"regexp"
	"testing"
)

func TestARN(t *testing.T) {
	for _, tt := range []struct{ region, want string }{
		{"us-east-1", "arn:aws:lambda:us-east-1:111122223333:function:f"},
		{"cn-north-1", "arn:aws-cn:lambda:cn-north-1:111122223333:function:f"},
		{"us-gov-west-1", "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:f"},
	} {
		if got := ARN("lambda", tt.region, "111122223333", "function:f"); got != tt.want {
			t.Errorf("ARN in %s = %s, want %s", tt.region, got, tt.want)
		}
	}
}

func TestFunctionName(t *testing.T) {
	for _, tt := range []struct{ id, want string }{
		{"f", "f"},
		{"f:live", "f"},
		{"arn:aws:lambda:us-east-1:111122223333:function:f", "f"},
		{"arn:aws:lambda:us-east-1:111122223333:function:f:7", "f"},
		{"arn:aws:dynamodb:us-east-1:111122223333:table/f", ""},
	} {
		if got := FunctionName(tt.id); got != tt.want {
			t.Errorf("FunctionName(%q) = %q, want %q", tt.id, got, tt.want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"a*c", "abbbc", true},
		{"a*c", "abbbcd", false},
		{"a?c", "aéc", true},
		{"a?c", "ac", false},
		{"*:table/*", "arn:aws:dynamodb:us-east-1:1:table/t", true},
		{"*ab*ab", "abxab", true},
		{"*é", "ééé", true},
		{`a\*`, `a\x`, true},
	} {
		if got := Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("Match(%q, %q) = %t, want %t", tt.pattern, tt.text, got, tt.want)
		}
	}
	for _, text := range []string{"a*b", `\`, "???", "plain", `\*`} {
		if !MatchEscaped(Escape(text), text) {
			t.Errorf("MatchEscaped(Escape(%q), %[1]q) = false", text)
		}
		if MatchEscaped(Escape("a*b"), "axb") {
			t.Error("an escaped * matches another character")
		}
	}
}

func TestNewRequestID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if id := NewRequestID(); !form.MatchString(id) {
		t.Errorf("NewRequestID() = %s, not a random UUID", id)
	}
	if id := NewDynamoDBRequestID(); !regexp.MustCompile(`^[A-Z0-9]{52}$`).MatchString(id) {
		t.Errorf("NewDynamoDBRequestID() = %s, want 52 capital letters and digits", id)
	}
}
