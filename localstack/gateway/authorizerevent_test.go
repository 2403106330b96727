package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"
)

func TestA3_12_AuthorizerEvent(t *testing.T) {
	t.Parallel()
	s := start(t, authorized(allows("*", "")), withAuthorizer())
	if _, _, err := s.tryDial("/prod?QueryString1=v&QueryString1=w", &websocket.DialOptions{HTTPHeader: http.Header{
		"HeaderAuth1": {"headerValue1"}, "User-Agent": {"<wscat>"},
	}}); err != nil {
		t.Fatal(err)
	}
	_, raw := s.event("authorizer")
	const want = `{"type":"REQUEST","methodArn":"` + connectARN + `",` +
		`"headers":{"Accept-Encoding":"gzip","Connection":"upgrade","HeaderAuth1":"headerValue1","Host":"api1.execute-api.us-east-1.amazonaws.com",` +
		`"Sec-WebSocket-Key":"<key>","Sec-WebSocket-Version":"13","Upgrade":"websocket","User-Agent":"<wscat>","X-Amzn-Trace-Id":"Root=<trace>",` +
		`"X-Forwarded-For":"127.0.0.1","X-Forwarded-Port":"443","X-Forwarded-Proto":"https","content-length":"0"},` +
		`"multiValueHeaders":{"Accept-Encoding":["gzip"],"Connection":["upgrade"],"HeaderAuth1":["headerValue1"],` +
		`"Host":["api1.execute-api.us-east-1.amazonaws.com"],"Sec-WebSocket-Key":["<key>"],"Sec-WebSocket-Version":["13"],` +
		`"Upgrade":["websocket"],"User-Agent":["<wscat>"],"X-Amzn-Trace-Id":["Root=<trace>"],` +
		`"X-Forwarded-For":["127.0.0.1"],"X-Forwarded-Port":["443"],"X-Forwarded-Proto":["https"],"content-length":["0"]},` +
		`"queryStringParameters":{"QueryString1":"w"},"multiValueQueryStringParameters":{"QueryString1":["v","w"]},"stageVariables":{},` +
		`"requestContext":{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"<id>",` +
		`"requestTime":"11/Nov/2024:11:35:24 +0000","messageDirection":"IN","stage":"prod","connectedAt":1731324924561,` +
		`"requestTimeEpoch":1731324924561,"identity":{"userAgent":"<wscat>","sourceIp":"127.0.0.1"},"requestId":"<id>",` +
		`"domainName":"api1.execute-api.us-east-1.amazonaws.com","connectionId":"<id>","apiId":"api1"}}`
	if got := withoutIDs(raw); got != want {
		t.Errorf("got event\n%s\nwant\n%s", got, want)
	}
	// The CONNECT event has neither the hop-by-hop headers nor the empty map.
	connect, raw := s.event("$connect")
	if connect.Headers["Connection"] != "" || connect.Headers["Upgrade"] != "" ||
		strings.Contains(string(raw), "stageVariables") {
		t.Errorf("got CONNECT event %s, want no hop-by-hop headers and no stageVariables", raw)
	}
}

func TestAuthorizerEventDecodesInGo(t *testing.T) {
	t.Parallel()
	s := start(t, authorized(allows("*", "")), func(o *Options) {
		withAuthorizer()(o)
		o.APIs[0].StageVariables = map[string]string{"a": "b"}
	})
	if _, _, err := s.tryDial("/prod?token=x", nil); err != nil {
		t.Fatal(err)
	}
	_, raw := s.event("authorizer")
	var e events.APIGatewayCustomAuthorizerRequestTypeRequest
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != "REQUEST" || e.MethodArn != connectARN || e.QueryStringParameters["token"] != "x" ||
		e.StageVariables["a"] != "b" ||
		e.RequestContext.APIID != "api1" || e.RequestContext.Stage != "prod" ||
		e.RequestContext.RequestID == "" || e.RequestContext.Identity.SourceIP != "127.0.0.1" {
		t.Errorf("got event %+v, want that of the handshake", e)
	}
}

// aws-lambda-go writes missing members as null or empty.
func TestAuthorizerResultOfAWSLambdaGo(t *testing.T) {
	t.Parallel()
	result, err := json.Marshal(events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: "ada",
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{
				Action:   []string{"execute-api:Invoke"},
				Effect:   "Allow",
				Resource: []string{connectARN},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, authorized(string(result)), withAuthorizer())
	s.dial()
}

func TestAuthorizerWithoutConnectFunction(t *testing.T) {
	t.Parallel()
	for result, want := range map[string]bool{
		allows("*", ""): true,
		strings.ReplaceAll(allows("*", ""), "Allow", "Deny"): false,
	} {
		s := start(t, map[string]function{"authorizer": returns(result)}, func(o *Options) {
			o.APIs[0].Routes[connectKey] = Route{Authorizer: &Authorizer{Function: "authorizer", Permitted: true}}
		})
		if _, _, err := s.tryDial("/prod", nil); (err == nil) != want {
			t.Errorf("%s: got admitted %t (%v), want %t", result, err == nil, err, want)
		}
	}
}
