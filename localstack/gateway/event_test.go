package gateway

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// withoutIDs replaces what differs from run to run, so that events can be compared to the byte.
func withoutIDs(raw []byte) string {
	text := string(raw)
	for _, change := range [][2]string{
		{`"(extendedRequestId|requestId|connectionId|messageId)":"[A-Za-z0-9_-]{15}="`, `"$1":"<id>"`},
		{`Root=1-[0-9a-f]{8}-[0-9a-f]{24}`, `Root=<trace>`},
		{`(Sec-WebSocket-Key":\[?")[A-Za-z0-9+/]{22}==`, `$1<key>`},
	} {
		text = regexp.MustCompile(change[0]).ReplaceAllString(text, change[1])
	}
	return text
}

func TestB1_ConnectEvent(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	header := http.Header{"User-Agent": {"wscat <1> & more"}, "X-Twice": {"a", "b"}, "Sec-Websocket-Extensions": {"permessage-deflate"}}
	if _, _, err := s.tryDial("/prod?a=1&a=2&b=%20x", &websocket.DialOptions{HTTPHeader: header}); err != nil {
		t.Fatal(err)
	}
	_, raw := s.event("$connect")
	const want = `{"headers":{"Accept-Encoding":"gzip","Host":"api1.execute-api.us-east-1.amazonaws.com",` +
		`"Sec-WebSocket-Extensions":"permessage-deflate",` +
		`"Sec-WebSocket-Key":"<key>","Sec-WebSocket-Version":"13","User-Agent":"wscat <1> & more","X-Amzn-Trace-Id":"Root=<trace>",` +
		`"X-Forwarded-For":"127.0.0.1","X-Forwarded-Port":"443","X-Forwarded-Proto":"https","X-Twice":"b"},` +
		`"multiValueHeaders":{"Accept-Encoding":["gzip"],"Host":["api1.execute-api.us-east-1.amazonaws.com"],` +
		`"Sec-WebSocket-Extensions":["permessage-deflate"],` +
		`"Sec-WebSocket-Key":["<key>"],"Sec-WebSocket-Version":["13"],"User-Agent":["wscat <1> & more"],"X-Amzn-Trace-Id":["Root=<trace>"],` +
		`"X-Forwarded-For":["127.0.0.1"],"X-Forwarded-Port":["443"],"X-Forwarded-Proto":["https"],"X-Twice":["a","b"]},` +
		`"queryStringParameters":{"a":"2","b":" x"},"multiValueQueryStringParameters":{"a":["1","2"],"b":[" x"]},` +
		`"requestContext":{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"<id>",` +
		`"requestTime":"11/Nov/2024:11:35:24 +0000","messageDirection":"IN","stage":"prod","connectedAt":1731324924561,` +
		`"requestTimeEpoch":1731324924561,"identity":{"userAgent":"wscat <1> & more","sourceIp":"127.0.0.1"},"requestId":"<id>",` +
		`"domainName":"api1.execute-api.us-east-1.amazonaws.com","connectionId":"<id>","apiId":"api1"},"isBase64Encoded":false}`
	if got := withoutIDs(raw); got != want {
		t.Errorf("event\n%s, want\n%s", got, want)
	}
}

func TestB2_MessageEvent(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": returns(ok)}, nil)
	c := s.dialRaw() // sends no User-Agent
	s.clock.Advance(1500 * time.Millisecond)
	c.write(frame(fin|opText, []byte("{\r\n\t\"a\": \"<&>\"\r\n}")))
	_, raw := s.event("$default")
	const want = `{"requestContext":{"routeKey":"$default","messageId":"<id>","eventType":"MESSAGE","extendedRequestId":"<id>",` +
		`"requestTime":"11/Nov/2024:11:35:26 +0000","messageDirection":"IN","stage":"prod","connectedAt":1731324924561,` +
		`"requestTimeEpoch":1731324926061,"identity":{"sourceIp":"127.0.0.1"},"requestId":"<id>",` +
		`"domainName":"api1.execute-api.us-east-1.amazonaws.com","connectionId":"<id>","apiId":"api1"},` +
		`"body":"{\r\n\t\"a\": \"<&>\"\r\n}","isBase64Encoded":false}`
	if got := withoutIDs(raw); got != want {
		t.Errorf("event\n%s, want\n%s", got, want)
	}
}

func TestB3_DisconnectEvent(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$disconnect": returns(ok)}, nil)
	c := s.dialRaw()
	s.clock.Advance(time.Hour)
	c.write(frame(fin|opClose, []byte{3, 233}))
	_, raw := s.event("$disconnect")
	const want = `{"headers":{"Host":"api1.execute-api.us-east-1.amazonaws.com","X-Forwarded-For":"","x-api-key":"","x-restapi":""},` +
		`"multiValueHeaders":{"Host":["api1.execute-api.us-east-1.amazonaws.com"],"X-Forwarded-For":[""],"x-api-key":[""],"x-restapi":[""]},` +
		`"requestContext":{"routeKey":"$disconnect","disconnectStatusCode":1001,"eventType":"DISCONNECT","extendedRequestId":"<id>",` +
		`"requestTime":"11/Nov/2024:12:35:24 +0000","messageDirection":"IN","disconnectReason":"","stage":"prod",` +
		`"connectedAt":1731324924561,"requestTimeEpoch":1731328524561,"identity":{"sourceIp":"127.0.0.1"},"requestId":"<id>",` +
		`"domainName":"api1.execute-api.us-east-1.amazonaws.com","connectionId":"<id>","apiId":"api1"},"isBase64Encoded":false}`
	if got := withoutIDs(raw); got != want {
		t.Errorf("event\n%s, want\n%s", got, want)
	}
}

func TestB4_StageVariables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		variables map[string]string
		empty     bool
		want      string // beside requestContext
	}{
		{nil, false, ``},
		{map[string]string{}, false, ``},
		{nil, true, `"stageVariables":{},`},
		{map[string]string{"a": "b"}, false, `"stageVariables":{"a":"b"},`},
	} {
		s := start(t, closing, func(o *Options) {
			o.APIs[0].StageVariables = test.variables
			o.Inferred.EmptyStageVariables = test.empty
		})
		c := s.dial()
		c.send("x")
		_, message := s.event("$default")
		c.Close(1000, "")
		_, disconnect := s.event("$disconnect")
		for _, raw := range [][]byte{message, disconnect} {
			has := strings.Contains(string(raw), `"stageVariables"`)
			if has != (test.want != "") || !strings.Contains(string(raw), test.want+`"requestContext"`) {
				t.Errorf("%v: %s", test, raw)
			}
		}
	}
}

func TestA4_1_FirstQueryValueWithTheOption(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, func(o *Options) { o.Inferred.FirstQueryValue = true })
	if _, _, err := s.tryDial("/prod?a=1&a=2", nil); err != nil {
		t.Fatal(err)
	}
	if e, _ := s.event("$connect"); e.QueryStringParameters["a"] != "1" || len(e.MultiValueQueryStringParameters["a"]) != 2 {
		t.Errorf("query %v, %v", e.QueryStringParameters, e.MultiValueQueryStringParameters)
	}
	s.dial()
}

func TestA4_3_ForwardedFor(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	header := http.Header{"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Port": {"80"}, "X-Amzn-Trace-Id": {"Root=forged"}}
	if _, _, err := s.tryDial("/prod", &websocket.DialOptions{HTTPHeader: header}); err != nil {
		t.Fatal(err)
	}
	e, _ := s.event("$connect")
	if got := e.Headers["X-Forwarded-For"]; got != "192.0.2.1, 127.0.0.1" {
		t.Errorf("X-Forwarded-For %q", got)
	}
	if e.Headers["X-Forwarded-Port"] != "443" || e.Headers["X-Amzn-Trace-Id"] == "Root=forged" {
		t.Errorf("headers %v", e.Headers)
	}
	if e.RequestContext.Identity.SourceIP != "127.0.0.1" {
		t.Errorf("source IP %q", e.RequestContext.Identity.SourceIP)
	}
}

func TestA9_Identifiers(t *testing.T) {
	t.Parallel()
	s := start(t, closing, nil)
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{15}=$`)
	seen := map[string]bool{}
	fresh := func(what, id string) {
		if !form.MatchString(id) {
			t.Errorf("%s %q", what, id)
		}
		if seen[id] {
			t.Errorf("%s %q twice", what, id)
		}
		seen[id] = true
	}
	c, _, err := s.tryDial("/prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	connect, _ := s.event("$connect")
	c.send("x")
	first, _ := s.event("$default")
	c.send("x")
	second, _ := s.event("$default")
	c.Close(1000, "")
	disconnect, _ := s.event("$disconnect")

	id := connect.RequestContext.ConnectionID
	fresh("connection id", id)
	for _, e := range []struct{ connection, request, extended string }{
		{connect.RequestContext.ConnectionID, connect.RequestContext.RequestID, connect.RequestContext.ExtendedRequestID},
		{first.RequestContext.ConnectionID, first.RequestContext.RequestID, first.RequestContext.ExtendedRequestID},
		{second.RequestContext.ConnectionID, second.RequestContext.RequestID, second.RequestContext.ExtendedRequestID},
		{disconnect.RequestContext.ConnectionID, disconnect.RequestContext.RequestID, disconnect.RequestContext.ExtendedRequestID},
	} {
		fresh("request id", e.request)
		if e.connection != id || e.request != e.extended { // A9.2
			t.Errorf("ids %+v", e)
		}
	}
	for _, m := range []any{first.RequestContext.MessageID, second.RequestContext.MessageID} {
		messageID, _ := m.(string)
		fresh("message id", messageID)
		if !strings.HasSuffix(messageID, id[len(id)-7:]) { // A9.3
			t.Errorf("message id %q of connection %q", messageID, id)
		}
	}
}
