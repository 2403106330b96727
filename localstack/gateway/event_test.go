package gateway

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"
)

// withoutIDs replaces the parts of an event that differ from run to run.
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
	header := http.Header{
		"User-Agent":               {"wscat <1> & more"},
		"X-Twice":                  {"a", "b"},
		"Sec-Websocket-Extensions": {"permessage-deflate"},
	}
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
		t.Errorf("got event\n%s\nwant\n%s", got, want)
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
		t.Errorf("got event\n%s\nwant\n%s", got, want)
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
		t.Errorf("got event\n%s\nwant\n%s", got, want)
	}
}

func TestB4_StageVariables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		variables map[string]string
		empty     bool
		want      string // before requestContext
	}{
		{nil, false, ``},
		{map[string]string{}, false, ``},
		{nil, true, `"stageVariables":{},`},
		{map[string]string{"a": "b"}, false, `"stageVariables":{"a":"b"},`},
	} {
		s := start(t, basicFunctions, func(o *Options) {
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
				t.Errorf("variables %v: got event %s, want %q", test.variables, raw, test.want)
			}
		}
	}
}

func TestA4_1_QueryStrings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path   string
		first  bool
		single map[string]string
		multi  map[string][]string
	}{
		{"/prod", false, nil, nil},
		{"/prod?", false, nil, nil},
		{"/prod?a=1&a=2&b=%20x", false, map[string]string{"a": "2", "b": " x"},
			map[string][]string{"a": {"1", "2"}, "b": {" x"}}},
		{"/prod?a=1&a=2", true, map[string]string{"a": "1"}, map[string][]string{"a": {"1", "2"}}},
		{"/prod?a", false, map[string]string{"a": ""}, map[string][]string{"a": {""}}},
	} {
		s := start(t, map[string]function{"$connect": returns(ok)},
			func(o *Options) { o.Inferred.FirstQueryValue = test.first })
		if _, _, err := s.tryDial(test.path, nil); err != nil {
			t.Fatal(err)
		}
		e, raw := s.event("$connect")
		if !maps.Equal(e.QueryStringParameters, test.single) ||
			!maps.EqualFunc(e.MultiValueQueryStringParameters, test.multi, slices.Equal) {
			t.Errorf("%s: got %v, %v, want %v, %v", test.path, e.QueryStringParameters,
				e.MultiValueQueryStringParameters, test.single, test.multi)
		}
		if got := strings.Contains(string(raw), "ueryStringParameters"); got != (test.single != nil) {
			t.Errorf("%s: got query parameters in the event %t, want %t: %s", test.path, got, !got, raw)
		}
	}
}

func TestA4_2_HeaderNames(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		s := start(t, map[string]function{"$connect": returns(ok)}, nil)
		address, custom := s.sockets.Listener.Addr().String(), "HeaderAuth1 x-own"
		if !kept { // a server that does not keep names
			plain := httptest.NewServer(s.gateway)
			t.Cleanup(plain.Close)
			address, custom = plain.Listener.Addr().String(), "Headerauth1 X-Own"
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		for _, part := range []string{ // the server may read them together or one by one
			"GET /prod HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
			"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nuser-agent: a\r\n",
			"origin: https://b.example\r\nx-own: c\r\nx-forwarded-for: d\r\nHead",
			"erAuth1: e\r\n\r", "\n",
		} {
			if _, err := io.WriteString(conn, part); err != nil {
				t.Fatal(err)
			}
		}
		e, _ := s.event("$connect")
		want := strings.Fields("Host Origin Sec-WebSocket-Key Sec-WebSocket-Version User-Agent X-Amzn-Trace-Id " +
			"X-Forwarded-For X-Forwarded-Port X-Forwarded-Proto " + custom)
		single, multi := slices.Sorted(maps.Keys(e.Headers)), slices.Sorted(maps.Keys(e.MultiValueHeaders))
		slices.Sort(want)
		if !slices.Equal(single, want) || !slices.Equal(multi, want) {
			t.Errorf("got headers %v and %v, want %v", single, multi, want)
		}
	}
}

// The names of one request do not apply to the next on the same connection.
func TestHeaderNamesOfALaterRequest(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	conn, err := net.Dial("tcp", s.sockets.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	first := "GET /prod?first HTTP/1.1\r\nHost: localhost\r\nX-oWN: 1\r\n\r\n"
	second := strings.Replace(handshake, "\r\n\r\n", "\r\nx-own: 2\r\n\r\n", 1)
	if _, err := io.WriteString(conn, first+second); err != nil {
		t.Fatal(err)
	}
	if e, _ := s.event("$connect"); e.Headers["X-Own"] != "2" {
		t.Errorf("got headers %v, want X-Own: 2", e.Headers)
	}
}

func TestLongHeads(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	if _, _, err := s.tryDial("/prod",
		&websocket.DialOptions{HTTPHeader: http.Header{"x-Long": {strings.Repeat("x", maxHead)}}}); err != nil {
		t.Fatal(err)
	}
	if e, _ := s.event("$connect"); len(e.Headers["X-Long"]) != maxHead {
		t.Errorf("got X-Long of %d bytes, want %d", len(e.Headers["X-Long"]), maxHead)
	}
}

func TestA4_3_ForwardedFor(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	header := http.Header{
		"X-Forwarded-For":  {"192.0.2.1"},
		"X-Forwarded-Port": {"80"},
		"X-Amzn-Trace-Id":  {"Root=forged"},
	}
	if _, _, err := s.tryDial("/prod", &websocket.DialOptions{HTTPHeader: header}); err != nil {
		t.Fatal(err)
	}
	e, _ := s.event("$connect")
	if got := e.Headers["X-Forwarded-For"]; got != "192.0.2.1, 127.0.0.1" {
		t.Errorf("got X-Forwarded-For %q, want 192.0.2.1, 127.0.0.1", got)
	}
	if e.Headers["X-Forwarded-Port"] != "443" || e.Headers["X-Amzn-Trace-Id"] == "Root=forged" {
		t.Errorf("got headers %v, want X-Forwarded-Port 443 and a new X-Amzn-Trace-Id", e.Headers)
	}
	if e.RequestContext.Identity.SourceIP != "127.0.0.1" {
		t.Errorf("got source IP %q, want 127.0.0.1", e.RequestContext.Identity.SourceIP)
	}
}

// lifetime returns the three events of a connection with one message, as the
// functions get them.
func (s *stack) lifetime(header http.Header) (connect, message, disconnect []byte) {
	s.t.Helper()
	c, _, err := s.tryDial("/prod?a=b", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		s.t.Fatal(err)
	}
	_, connect = s.event("$connect")
	s.clock.Advance(time.Minute)
	c.send("x")
	_, message = s.event("$default")
	c.Close(websocket.StatusNormalClosure, "")
	_, disconnect = s.event("$disconnect")
	return connect, message, disconnect
}

func TestB4_Presence(t *testing.T) {
	t.Parallel()
	functions := authorized(allows("*", ""))
	s := start(t, functions, func(o *Options) {
		withAuthorizer()(o)
		o.APIs[0].StageVariables = map[string]string{"a": "b"}
	})
	const everywhere = "isBase64Encoded stageVariables requestContext.apiId " +
		"requestContext.authorizer.integrationLatency requestContext.authorizer.principalId " +
		"requestContext.connectedAt requestContext.connectionId requestContext.domainName requestContext.eventType " +
		"requestContext.extendedRequestId requestContext.identity.sourceIp requestContext.identity.userAgent " +
		"requestContext.messageDirection requestContext.requestId requestContext.requestTime " +
		"requestContext.requestTimeEpoch requestContext.routeKey requestContext.stage "
	connect, message, disconnect := s.lifetime(http.Header{"User-Agent": {"wscat"}})
	for name, test := range map[string]struct {
		raw  []byte
		more string
	}{
		"CONNECT": {connect, "headers multiValueHeaders queryStringParameters multiValueQueryStringParameters"},
		"MESSAGE": {message, "body requestContext.messageId"},
		"DISCONNECT": {disconnect, "headers multiValueHeaders " +
			"requestContext.disconnectReason requestContext.disconnectStatusCode"},
	} {
		var e map[string]any
		if err := json.Unmarshal(test.raw, &e); err != nil {
			t.Fatal(err)
		}
		got, want := memberNames("", e), strings.Fields(everywhere+test.more)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got members\n%v\nwant\n%v", name, got, want)
		}
		rc := e["requestContext"].(map[string]any)
		connectedAt, epoch := rc["connectedAt"].(float64), rc["requestTimeEpoch"].(float64)
		at, err := time.Parse(requestTimeLayout, rc["requestTime"].(string))
		if err != nil || connectedAt != 1731324924561 || epoch < connectedAt ||
			at.Unix() != int64(epoch)/1000 || e["isBase64Encoded"] != false {
			t.Errorf("%s: got event %s, want consistent times and isBase64Encoded false", name, test.raw)
		}
	}
}

// memberNames returns the names of an event's members. Those of requestContext
// and of the objects in it are paths.
func memberNames(prefix string, object map[string]any) []string {
	var names []string
	for name, value := range object {
		if inner, ok := value.(map[string]any); ok && (name == "requestContext" || prefix != "") {
			names = append(names, memberNames(prefix+name+".", inner)...)
		} else {
			names = append(names, prefix+name)
		}
	}
	return names
}

func TestB5_NothingIsNull(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dialRaw() // without a User-Agent
	_, connect := s.event("$connect")
	c.write(frame(fin|opText, nil))
	_, message := s.event("$default")
	c.Close()
	_, disconnect := s.event("$disconnect")
	for _, raw := range [][]byte{connect, message, disconnect} {
		if strings.Contains(string(raw), "null") || strings.Contains(string(raw), "userAgent") {
			t.Errorf("got event %s, want no null and no userAgent", raw)
		}
	}
}

func TestB6_EventsInGo(t *testing.T) {
	t.Parallel()
	s := start(t, authorized(allows("*", `,"context":{"room":"1"}`)), withAuthorizer())
	connect, message, disconnect := s.lifetime(nil)
	for i, raw := range [][]byte{connect, message, disconnect} {
		decoder := json.NewDecoder(strings.NewReader(string(raw)))
		decoder.DisallowUnknownFields()
		var e events.APIGatewayWebsocketProxyRequest
		if err := decoder.Decode(&e); err != nil {
			t.Errorf("got event %s with an unknown member: %v", raw, err)
			continue
		}
		rc := e.RequestContext
		if authorizer, ok := rc.Authorizer.(map[string]any); !ok || authorizer["room"] != "1" {
			t.Errorf("got authorizer %v, want room 1", rc.Authorizer)
		}
		if (rc.MessageID != nil) != (i == 1) || (rc.DisconnectReason != nil) != (i == 2) ||
			rc.DisconnectStatusCode != []int64{0, 0, 1000}[i] ||
			rc.ConnectedAt != 1731324924561 || rc.RequestTimeEpoch-rc.ConnectedAt != []int64{0, 60000, 60000}[i] {
			t.Errorf("got request context %+v, want that of event %d of the connection", rc, i)
		}
	}
}
