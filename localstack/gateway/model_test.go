package gateway

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// sendModels are the models of startValidating.
var sendModels = map[string][]byte{
	"Send": []byte(`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","required":["text"],
		"properties":{"text":{"type":"string","maxLength":5},"n":{"type":"number","minimum":0,"exclusiveMinimum":true}}}`),
	"Address": []byte(`{"type":"object","required":["to"],
		"properties":{"to":{"$ref":"https://apigateway.amazonaws.com/restapis/api1/models/Name"}}}`),
	"Name": []byte(`{"type":"string","minLength":1}`),
}

// startValidating serves a two-way route "send" whose models are selected by
// the member "type" of messages.
func startValidating(t *testing.T, byKey map[string]string) *stack {
	t.Helper()
	return start(t, map[string]function{"$connect": returns(ok), "send": echoes}, func(o *Options) {
		twoWay("send")(o)
		o.APIs[0].Models = sendModels
		route("send", func(r *Route) { r.ModelSelectionExpression, r.Models = "$request.body.type", byKey })(o)
	})
}

func TestA5_7_BadRequestFrame(t *testing.T) {
	t.Parallel()
	s := startValidating(t, map[string]string{"$default": "Send"})
	c := s.dial()
	form := regexp.MustCompile(`^\{"message" : "Bad request body", "connectionId": "` +
		regexp.QuoteMeta(c.id) + `", "messageId": "([A-Za-z0-9_-]{15}=)"\}$`)
	c.send(`{"action":"send"}`)
	text := c.receive()
	got := form.FindStringSubmatch(text)
	if got == nil {
		t.Fatalf("got frame %s, want one like %s", text, form)
	}
	if !strings.HasSuffix(got[1], c.id[len(c.id)-7:]) {
		t.Errorf("got message id %s, want the ending of connection %s", got[1], c.id)
	}
	s.noEvent("send")
	c.send(`{"action":"send","text":"hello"}`) // the socket stays open
	c.wantReceive(`{"action":"send","text":"hello"}`)
}

func TestA5_7_Models(t *testing.T) {
	t.Parallel()
	both := map[string]string{"text": "Send", "address": "Address", "$default": "Name"}
	some := map[string]string{"text": "Send", "address": "Address"}
	for _, test := range []struct {
		models map[string]string
		body   string
		valid  bool
	}{
		{both, `{"action":"send","type":"text","text":"hello"}`, true},
		{both, `{"action":"send","type":"text","text":"hello!"}`, false},
		{both, `{"action":"send","type":"text","text":1}`, false},
		{both, `{"action":"send","type":"text","text":"x","n":0.1}`, true},
		{both, `{"action":"send","type":"text","text":"x","n":0}`, false}, // draft 4's exclusiveMinimum is a boolean
		{both, `{"action":"send","type":"address","to":"ada"}`, true},
		{both, `{"action":"send","type":"address","to":""}`, false},
		{both, `{"action":"send","type":"other"}`, false}, // $default requires a string
		{some, `{"action":"send","type":"other"}`, false}, // a message without a model is refused
		{some, `{"action":"send","type":{}}`, false},
		{some, `{"action":"send"}`, false},
		{nil, `{"action":"send"}`, false},
	} {
		s := startValidating(t, test.models)
		c := s.dial()
		c.send(test.body)
		if got := c.receive(); (got == test.body) != test.valid {
			t.Errorf("%v, %s: got message %s, want valid %t", test.models, test.body, got, test.valid)
		}
	}
}

func TestA5_7_OnlyWithASelectionExpression(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"send": echoes}, func(o *Options) {
		twoWay("send")(o)
		o.APIs[0].Models = sendModels
		route("send", func(r *Route) { r.Models = map[string]string{"$default": "Name"} })(o)
	})
	c := s.dial()
	c.send(`{"action":"send"}`)
	c.wantReceive(`{"action":"send"}`)
}

func TestBadModelsAreRefused(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{`:                                     "unexpected EOF",
		`{"type":"text"}`:                       "at '/type': value must be one of",
		`{"$ref":"https://example.com/a"}`:      "a model can refer to models of its API only",
		`{"$ref":"file:///etc/passwd"}`:         "a model can refer to models of its API only",
		`{"type":"string","pattern":"(?<!a)b"}`: "pattern",
	} {
		err := CheckModel("api1", "M", map[string][]byte{"M": []byte(schema)})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one line with %q", schema, err, want)
		}
		_, err = New(Options{Invoker: &lambdas{}, APIs: []API{{
			ID:                       "a",
			Stage:                    "prod",
			RouteSelectionExpression: "x",
			Models:                   map[string][]byte{"M": []byte(schema)},
			Routes: map[string]Route{"x": {
				Function:                 "f",
				ModelSelectionExpression: "x",
				Models:                   map[string]string{"x": "M"},
			}},
		}}})
		if err == nil {
			t.Errorf("%s: got no error from New, want one", schema)
		}
	}
	if err := CheckModel("api1", "Missing", sendModels); err == nil {
		t.Error("got no error for a missing model, want one")
	}
	for name := range sendModels {
		if err := CheckModel("api1", name, sendModels); err != nil {
			t.Error(err)
		}
	}
}

func FuzzModels(f *testing.F) {
	m, err := newModels(Route{
		ModelSelectionExpression: "$request.body.type",
		Models:                   map[string]string{"text": "Send", "$default": "Address"},
	}, "api1", sendModels)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"type":"text","text":"a"}`)
	f.Fuzz(func(t *testing.T, body string) {
		if m.accepts(parseBody([]byte(body))) && !json.Valid([]byte(body)) {
			t.Errorf("got %q accepted, want refused: it is not JSON", body)
		}
	})
}
