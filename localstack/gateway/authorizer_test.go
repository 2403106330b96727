package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"
)

// connectARN is the ARN of the $connect route of start.
const connectARN = "arn:aws:execute-api:us-east-1:000000000000:api1/prod/$connect"

// allows returns an authorizer's result with one Allow statement for the
// resource. more has further members, such as `,"context":{}`.
func allows(resource, more string) string {
	return fmt.Sprintf(`{"principalId":"ada","policyDocument":{"Version":"2012-10-17","Statement":[`+
		`{"Action":"execute-api:Invoke","Effect":"Allow","Resource":%q}]}%s}`, resource, more)
}

// withAuthorizer returns a change that gives $connect the function
// "authorizer".
func withAuthorizer(sources ...string) func(*Options) {
	return func(o *Options) {
		r := o.APIs[0].Routes[connectKey]
		r.Authorizer = &Authorizer{Function: "authorizer", Permitted: true, IdentitySources: sources}
		o.APIs[0].Routes[connectKey] = r
	}
}

// authorized returns functions with an authorizer that returns the result.
func authorized(result string) map[string]function {
	return map[string]function{
		"authorizer":  returns(result),
		"$connect":    returns(ok),
		"$disconnect": returns(ok),
		"$default":    returns(ok),
	}
}

// refusedResponse returns the answer to a handshake that is refused, and its
// body.
func (s *stack) refusedResponse(path string, header http.Header) (*http.Response, string) {
	s.t.Helper()
	_, response, err := s.tryDial(path, &websocket.DialOptions{HTTPHeader: header})
	if err == nil || response == nil {
		s.t.Fatalf("GET %s: %v, want a refusal", path, err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

// wantRefusal opens a connection, which must be refused in this way.
func (s *stack) wantRefusal(path string, header http.Header, status int, body string) {
	s.t.Helper()
	if response, got := s.refusedResponse(path, header); response.StatusCode != status || got != body {
		s.t.Errorf("%s %v: got %s %s, want %d %s", path, header, response.Status, got, status, body)
	}
}

func TestA1_9_AuthorizationFails(t *testing.T) {
	t.Parallel()
	s := start(t, authorized(`{"principalId":"eve","policyDocument":{"Statement":[]}}`),
		withAuthorizer("route.request.header.Auth"))
	s.wantRefusal("/prod", nil, 401, `{"message":"Unauthorized"}`)
	s = start(t, authorized(strings.ReplaceAll(allows("*", ""), "Allow", "Deny")), withAuthorizer())
	s.wantRefusal("/prod", nil, 403,
		`{"Message":"User is not authorized to access this resource with an explicit deny"}`)
	s.noEvent("$connect")
	s.noEvent("$disconnect")
}

func TestA3_1_AuthorizersAreForConnect(t *testing.T) {
	t.Parallel()
	authorizer := &Authorizer{Function: "authorizer", Permitted: true}
	for name, routes := range map[string]map[string]Route{
		"authorizer on a message":   {"$default": {Function: "f", Authorizer: authorizer}},
		"authorizer on $disconnect": {"$disconnect": {Function: "f", Authorizer: authorizer}},
		"IAM on a message":          {"x": {Function: "f", IAM: true}},
		"both":                      {"$connect": {Function: "f", Authorizer: authorizer, IAM: true}},
		"no function":               {"$connect": {Authorizer: &Authorizer{}}},
		"identity source": {"$connect": {Authorizer: &Authorizer{
			Function:        "f",
			IdentitySources: []string{"$request.header.Auth"},
		}}},
	} {
		_, err := New(Options{
			Invoker: &lambdas{},
			APIs:    []API{{ID: "a", Stage: "prod", RouteSelectionExpression: "x", Routes: routes}},
		})
		if err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	for _, source := range []string{"", "context.", "context.a/b", "route.request.header.",
		"route.request.body.x", "method.request.header.x"} {
		if CheckIdentitySource(source) == nil {
			t.Errorf("identity source %q: got no error, want one", source)
		}
	}
}

func TestA3_2_MethodARN(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"us-east-1":  connectARN,
		"cn-north-1": strings.NewReplacer("aws", "aws-cn", "us-east-1", "cn-north-1").Replace(connectARN),
	} {
		s := start(t, authorized(allows("*", "")), func(o *Options) {
			withAuthorizer()(o)
			o.APIs[0].Region = region
		})
		s.dial()
		_, raw := s.event("authorizer")
		var e map[string]any
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		if _, ok := e["pathParameters"]; ok || e["methodArn"] != want {
			t.Errorf("got event %s, want methodArn %s and no pathParameters", raw, want)
		}
	}
}

func TestA3_3_IdentitySources(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		source, path string
		header       http.Header
		found        bool
	}{
		{"route.request.header.Auth", "/prod", http.Header{"Auth": {"x"}}, true},
		{"route.request.header.X-User", "/prod", http.Header{"x-user": {"x"}}, true},
		{"route.request.header.sec-websocket-protocol", "/prod", http.Header{"Sec-Websocket-Protocol": {"x"}}, true},
		{"route.request.header.Auth", "/prod", nil, false},
		{"route.request.header.Auth", "/prod", http.Header{"Auth": {""}}, false},
		{"route.request.querystring.token", "/prod?token=x", nil, true},
		{"route.request.querystring.token", "/prod?Token=x", nil, false},
		{"route.request.querystring.token", "/prod?token=", nil, false},
		{"route.request.querystring.token", "/prod", nil, false},
		{"context.identity.sourceIp", "/prod", nil, true},
		{"context.connectionId", "/prod", nil, true},
		{"context.identity.nothing", "/prod", nil, false},
		{"context.identity", "/prod", nil, false},
		{"stageVariables.set", "/prod", nil, true},
		{"stageVariables.unset", "/prod", nil, false},
	} {
		s := start(t, authorized(allows("*", "")), func(o *Options) {
			withAuthorizer(test.source)(o)
			o.APIs[0].StageVariables = map[string]string{"set": "x"}
		})
		_, response, err := s.tryDial(test.path, &websocket.DialOptions{HTTPHeader: test.header})
		switch {
		case test.found && err != nil:
			t.Errorf("%s on %s %v: got error %v, want a connection", test.source, test.path, test.header, err)
		case !test.found && (err == nil || response.StatusCode != 401):
			t.Errorf("%s on %s %v: got %v, want 401", test.source, test.path, test.header, response)
		case !test.found:
			s.noEvent("authorizer")
		}
	}
	// All identity sources are required.
	s := start(t, authorized(allows("*", "")),
		withAuthorizer("route.request.header.Auth", "route.request.querystring.token"))
	s.wantRefusal("/prod?token=x", nil, 401, `{"message":"Unauthorized"}`)
	if _, _, err := s.tryDial("/prod?token=x",
		&websocket.DialOptions{HTTPHeader: http.Header{"Auth": {"y"}}}); err != nil {
		t.Error(err)
	}
}

// raises returns a function that ends with an error with this message.
func raises(message string) function {
	return func(context.Context, []byte) ([]byte, string, error) {
		return fmt.Appendf(nil, `{"errorMessage":%q,"errorType":"errorString"}`, message), "Unhandled", nil
	}
}

func TestA3_4_Unauthorized(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]int{
		"Unauthorized": 401, "unauthorized": 500, "Unauthorized!": 500, "": 500,
	} {
		s := start(t, map[string]function{"authorizer": raises(message), "$connect": returns(ok)}, withAuthorizer())
		if got := s.refused("/prod"); got != want {
			t.Errorf("error %q: got %d, want %d", message, got, want)
		}
		s.noEvent("$connect")
	}
}

func TestA3_6_AuthorizerFails(t *testing.T) {
	t.Parallel()
	bad := map[string]function{
		"raises":    raises("something else"),
		"times out": fails("Sandbox.Timedout"),
		"not runnable": func(context.Context, []byte) ([]byte, string, error) {
			return nil, "", errors.New("no such function")
		},
	}
	for _, result := range []string{
		`{"statusCode":401}`, `null`, ``, `"Allow"`, `[]`, `{}`, `{"principalId":"a"}`,
		`{"policyDocument":{"Statement":[]}}`,
		`{"principalId":"a","policyDocument":{}}`, `{"principalId":"a","policyDocument":"Allow"}`,
		`{"principalId":"a","policyDocument":{"Statement":[]}}`,
		`{"principalId":"a","policyDocument":{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}}`,
		`{"principalId":"a","policyDocument":{"Statement":[{"Effect":"Allow","Resource":"*"}]}}`,
		`{"principalId":"a","policyDocument":{"Statement":[{"Effect":"Allow","Action":"*"}]}}`,
		`{"principalId":"a","policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*",` +
			`"Condition":{"Bool":{"x":"true"}}}]}}`,
		strings.Replace(allows("*", ""), `"ada"`, `{}`, 1),
		allows("*", `,"context":"x"`), allows("*", `,"usageIdentifierKey":1`),
	} {
		bad[result] = returns(result)
	}
	for name, f := range bad {
		s := start(t, map[string]function{"authorizer": f, "$connect": returns(ok)}, withAuthorizer())
		if response, body := s.refusedResponse("/prod", nil); response.StatusCode != 500 ||
			body != `{"message":"Internal server error"}` {
			t.Errorf("%s: got %s %s, want 500 Internal server error", name, response.Status, body)
		}
		s.noEvent("$connect")
	}
	s := start(t, authorized(allows("*", "")), func(o *Options) {
		withAuthorizer()(o)
		o.APIs[0].Routes[connectKey].Authorizer.Permitted = false
	})
	s.wantStatus("/prod", 500)
	s.noEvent("authorizer")
}

func TestA3_7_SimpleResponsesAreForHTTPAPIs(t *testing.T) {
	t.Parallel()
	s := start(t, authorized(`{"isAuthorized":true,"context":{}}`), withAuthorizer())
	s.wantStatus("/prod", 500)
	s = start(t, authorized(allows("*", "")), withAuthorizer("route.request.header.Auth"))
	for range 2 { // results are not cached for the next client with the same identity
		if _, _, err := s.tryDial("/prod", &websocket.DialOptions{HTTPHeader: http.Header{"Auth": {"x"}}}); err != nil {
			t.Fatal(err)
		}
		s.event("authorizer")
	}
}

func TestA3_8_ResultLimit(t *testing.T) {
	t.Parallel()
	result := func(size int) string {
		empty := allows("*", `,"context":{"x":""}`)
		return strings.Replace(empty, `"x":""`, `"x":"`+strings.Repeat("x", size-len(empty))+`"`, 1)
	}
	s := start(t, authorized(result(8<<10)), withAuthorizer())
	s.dial()
	s = start(t, authorized(result(8<<10+1)), withAuthorizer())
	s.wantStatus("/prod", 500)
}

func TestA3_9_ContextIsInAllEvents(t *testing.T) {
	t.Parallel()
	s := start(t, authorized(allows("*", `,"context":{"room":"1234"}`)), withAuthorizer())
	c := s.dialRaw()
	connect, _ := s.event("$connect")
	c.write(frame(fin|opText, []byte("x")))
	message, _ := s.event("$default")
	c.write(frame(fin|opClose, nil))
	disconnect, _ := s.event("$disconnect")
	for _, e := range []events.APIGatewayWebsocketProxyRequest{connect, message, disconnect} {
		values, ok := e.RequestContext.Authorizer.(map[string]any)
		latency, isNumber := values["integrationLatency"].(float64)
		if !ok || !isNumber || latency < 0 || len(values) != 3 ||
			values["principalId"] != "ada" || values["room"] != "1234" {
			t.Errorf("%s: got authorizer %v, want principalId ada, room 1234 and integrationLatency",
				e.RequestContext.EventType, e.RequestContext.Authorizer)
		}
	}
	s.event("authorizer")
	s.noEvent("authorizer") // it runs once
}

func TestA3_10_ContextValues(t *testing.T) {
	t.Parallel()
	const context = `,"context":{"text":"<a>","number":12345678901234567890,"fraction":1.50,"flag":true,"none":null}`
	for _, test := range []struct {
		typed bool
		want  string
	}{
		{false, `"flag":"true","fraction":"1.50","integrationLatency":N,` +
			`"number":"12345678901234567890","principalId":"ada","text":"<a>"`},
		{true, `"flag":true,"fraction":1.50,"integrationLatency":N,` +
			`"number":12345678901234567890,"principalId":"ada","text":"<a>"`},
	} {
		s := start(t, authorized(allows("*", context)), func(o *Options) {
			withAuthorizer()(o)
			o.Inferred.TypedAuthorizerContext = test.typed
		})
		s.dialRaw()
		_, raw := s.event("$connect")
		got := regexp.MustCompile(`"integrationLatency":\d+`).ReplaceAllString(string(raw), `"integrationLatency":N`)
		if !strings.Contains(got, `"routeKey":"$connect","authorizer":{`+test.want+`},`) {
			t.Errorf("typed %t: got event %s, want authorizer {%s}", test.typed, got, test.want)
		}
	}
	for _, value := range []string{`{"a":1}`, `["a"]`, `{}`, `[]`} {
		s := start(t, authorized(allows("*", `,"context":{"nested":`+value+`}`)), withAuthorizer())
		if got := s.refused("/prod"); got != 500 {
			t.Errorf("context %s: got %d, want 500", value, got)
		}
	}
}

func TestA3_11_RefusalsAreNotCustomised(t *testing.T) {
	t.Parallel()
	// An authorizer cannot change the answer of API Gateway.
	const custom = `,"context":{"message":"go away"},"statusCode":418,"headers":{"X-Custom":"1"},"body":"custom"`
	s := start(t, authorized(strings.ReplaceAll(allows("*", custom), "Allow", "Deny")), withAuthorizer())
	response, body := s.refusedResponse("/prod", nil)
	if response.StatusCode != 403 || response.Header.Get("X-Custom") != "" ||
		response.Header.Get("Content-Type") != "application/json" ||
		body != `{"Message":"User is not authorized to access this resource with an explicit deny"}` {
		t.Errorf("got %s %v %s, want 403 with API Gateway's headers and body", response.Status, response.Header, body)
	}
}

func FuzzAuthorization(f *testing.F) {
	for _, result := range []string{
		allows("*", ""), allows("a?*", `,"context":{"a":1}`),
		`{"principalId":"","policyDocument":{"Statement":{}}}`,
	} {
		f.Add([]byte(result))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := parseAuthorization(payload)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Errorf("got error %v, want errMalformed", err)
			}
			return
		}
		if decision, err := a.Policy.evaluate(invokeAction, connectARN); err != nil && decision != notAllowed {
			t.Errorf("%s: got decision %v with error %v, want notAllowed", payload, decision, err)
		}
	})
}
