package gateway

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

var sendModels = map[string][]byte{
	"Send": []byte(`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","required":["text"],
		"properties":{"text":{"type":"string","maxLength":5},"n":{"type":"number","minimum":0,"exclusiveMinimum":true}}}`),
	"Address": []byte(`{"type":"object","required":["to"],"properties":{"to":{"$ref":"https://apigateway.amazonaws.com/restapis/api1/models/Name"}}}`),
	"Name":    []byte(`{"type":"string","minLength":1}`),
}

// validating serves a two-way route "send" with models by the message's member
// "type".
func validating(t *testing.T, byKey map[string]string) *stack {
	t.Helper()
	return start(t, map[string]function{"$connect": returns(ok), "send": echoes}, func(o *Options) {
		twoWay("send")(o)
		o.APIs[0].Models = sendModels
		route("send", func(r *Route) { r.ModelSelectionExpression, r.Models = "$request.body.type", byKey })(o)
	})
}

func TestA5_7_BadRequestFrame(t *testing.T) {
	t.Parallel()
	s := validating(t, map[string]string{"$default": "Send"})
	c := s.dial()
	form := regexp.MustCompile(`^\{"message" : "Bad request body", "connectionId": "` +
		regexp.QuoteMeta(c.id) + `", "messageId": "([A-Za-z0-9_-]{15}=)"\}$`)
	c.send(`{"action":"send"}`)
	got := form.FindStringSubmatch(c.receive())
	if got == nil {
		t.Fatalf("frame %v", got)
	}
	if !strings.HasSuffix(got[1], c.id[len(c.id)-7:]) {
		t.Errorf("message id %s of connection %s", got[1], c.id)
	}
	s.noEvent("send")
	c.send(`{"action":"send","text":"hello"}`) // the socket stays open
	if got := c.receive(); got != `{"action":"send","text":"hello"}` {
		t.Errorf("received %s", got)
	}
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
		{both, `{"action":"send","type":"other"}`, false}, // $default wants a string
		{some, `{"action":"send","type":"other"}`, false}, // no model at all is no pass
		{some, `{"action":"send","type":{}}`, false},
		{some, `{"action":"send"}`, false},
		{nil, `{"action":"send"}`, false},
	} {
		s := validating(t, test.models)
		c := s.dial()
		c.send(test.body)
		if got := c.receive(); (got == test.body) != test.valid {
			t.Errorf("%v, %s: received %s", test.models, test.body, got)
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
	if got := c.receive(); got != `{"action":"send"}` {
		t.Errorf("received %s", got)
	}
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
			t.Errorf("%s: %v, want %q", schema, err, want)
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
			t.Errorf("%s: accepted", schema)
		}
	}
	if err := CheckModel("api1", "Missing", sendModels); err == nil {
		t.Error("a missing model is accepted")
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
