package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/coder/websocket"
)

// signature is an Authorization header with all parts of a SigV4 signature.
const signature = "AWS4-HMAC-SHA256 Credential=A/20241111/us-east-1/execute-api/aws4_request, " +
	"SignedHeaders=host, Signature=0"

func TestA1_9_IAM(t *testing.T) {
	t.Parallel()
	var asked [2]string
	refusal := error(nil)
	s := start(t, map[string]function{"$connect": returns(ok)}, func(o *Options) {
		route("$connect", func(r *Route) { r.IAM = true })(o)
		o.Permit = func(_ context.Context, action, resource string) error {
			asked = [2]string{action, resource}
			return refusal
		}
	})
	for _, header := range []http.Header{
		nil, {"Authorization": {"Bearer x"}}, {"Authorization": {"AWS4-HMAC-SHA256 Credential=A"}},
	} {
		s.wantRefusal("/prod", header, 403, `{"message":"Missing Authentication Token"}`)
	}
	query := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {"A/20241111/us-east-1/execute-api/aws4_request"},
		"X-Amz-SignedHeaders": {"host"}, "X-Amz-Date": {"20241111T113524Z"},
	}
	s.wantRefusal("/prod?"+query.Encode(), nil, 403, `{"message":"Missing Authentication Token"}`)
	s.noEvent("$connect")
	if asked[0] != "" {
		t.Errorf("got Permit called with %v, want no call", asked)
	}

	query.Set("X-Amz-Signature", "0")
	signed := http.Header{"Authorization": {signature}}
	for path, header := range map[string]http.Header{"/prod": signed, "/prod?" + query.Encode(): nil} {
		if _, _, err := s.tryDial(path, &websocket.DialOptions{HTTPHeader: header}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		s.event("$connect")
		if want := [2]string{"execute-api:Invoke", connectARN}; asked != want {
			t.Errorf("got Permit called with %v, want %v", asked, want)
		}
	}

	refusal = errors.New("User: arn:aws:sts::000000000000:assumed-role/r/f " +
		"is not authorized to perform: execute-api:Invoke")
	s.wantRefusal("/prod", signed, 403, `{"Message":"`+refusal.Error()+`"}`)
	s.noEvent("$connect")
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	keyed := func(o *Options) {
		route("$connect", func(r *Route) { r.APIKeyRequired = true })(o)
		o.APIs[0].APIKeys = []string{"first-key", "second-key"}
	}
	s := start(t, map[string]function{"$connect": returns(ok)}, keyed)
	for _, header := range []http.Header{nil, {"X-Api-Key": {""}}, {"X-Api-Key": {"third-key"}},
		{"X-Api-Key": {"first"}}} {
		s.wantRefusal("/prod", header, 403, `{"message":"Forbidden"}`)
	}
	s.noEvent("$connect")
	for _, key := range []string{"first-key", "second-key"} {
		if _, _, err := s.tryDial("/prod",
			&websocket.DialOptions{HTTPHeader: http.Header{"x-api-key": {key}}}); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	s = start(t, map[string]function{"$connect": returns(ok)},
		route("$connect", func(r *Route) { r.APIKeyRequired = true }))
	s.wantRefusal("/prod", http.Header{"X-Api-Key": {""}}, 403,
		`{"message":"Forbidden"}`) // without keys every client is refused
}

func TestAPIKeyOfTheAuthorizer(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{"good": true, "bad": false, "": false} {
		s := start(t, authorized(allows("*", `,"usageIdentifierKey":"`+key+`"`)), func(o *Options) {
			withAuthorizer()(o)
			route("$connect", func(r *Route) { r.APIKeyRequired = true })(o)
			o.APIs[0].APIKeys = []string{"good"}
			o.APIs[0].APIKeySelectionExpression = "$context.authorizer.usageIdentifierKey"
		})
		_, response, err := s.tryDial("/prod", &websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {"good"}}})
		if (err == nil) != want || err != nil && response.StatusCode != 403 {
			t.Errorf("key %q: got admitted %t (%v), want %t", key, err == nil, response, want)
		}
	}
}

func TestF2_4_NotPermitted(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"$connect": returns(ok), "$disconnect": returns(ok), "ask": echoes}
	s := start(t, functions, func(o *Options) {
		route("ask", func(r *Route) { r.Permitted = false })(o)
		route("$disconnect", func(r *Route) { r.Permitted = false })(o)
	})
	c := s.dial()
	c.send(`{"action":"ask"}`)
	c.wantPrefix(`{"message": "Internal server error", "connectionId":"` + c.id + `", "requestId":"`)
	c.Close(websocket.StatusNormalClosure, "")
	eventually(t, "the connection is closed", func() bool { return len(s.gateway.openSockets()) == 0 })
	s.noEvent("ask")
	s.noEvent("$disconnect")

	s = start(t, functions, route("$connect", func(r *Route) { r.Permitted = false }))
	s.wantStatus("/prod", 500)
	s.noEvent("$connect")
}
