package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func TestA1_1_UpgradeHeldUntilConnectAnswers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, map[string]function{"$connect": func(context.Context, []byte) ([]byte, string, error) {
		<-release
		return []byte(ok), "", nil
	}}, nil)
	dialled := make(chan error, 1)
	go func() {
		_, _, err := s.tryDial("/prod", nil)
		dialled <- err
	}()
	s.event("$connect")
	select {
	case err := <-dialled:
		t.Errorf("the handshake was answered before $connect: %v", err)
	default:
	}
	if n := s.gateway.Connections(); n != 0 {
		t.Errorf("%d connections while $connect runs", n)
	}
	close(release)
	if err := <-dialled; err != nil {
		t.Error(err)
	}
	if n := s.gateway.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestA1_2_ConnectRouteIsOptional(t *testing.T) {
	t.Parallel()
	s := start(t, nil, nil)
	for _, path := range []string{"/prod", "/prod/"} {
		if _, _, err := s.tryDial(path, nil); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestA1_3_ConnectAccepts(t *testing.T) {
	t.Parallel()
	for _, result := range []string{
		ok, `{"statusCode":201}`, `{"statusCode":"200"}`,
		`{"statusCode":200,"headers":{"a":1,"b":true},"multiValueHeaders":{"c":["d"]},"body":"x","isBase64Encoded":false}`,
	} {
		s := start(t, map[string]function{"$connect": returns(result)}, nil)
		if _, response, err := s.tryDial("/prod", nil); err != nil ||
			response.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%s: %v", result, err)
		}
	}
}

func TestA1_4_ConnectRefusesWithItsStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 400, 401, 403, 501, 599} {
		s := start(t, map[string]function{
			"$connect":    returns(fmt.Sprintf(`{"statusCode":%d}`, status)),
			"$disconnect": returns(ok),
		}, nil)
		if got := s.refused("/prod"); got != status {
			t.Errorf("$connect returned %d, the handshake %d", status, got)
		}
		if n := s.gateway.Connections(); n != 0 {
			t.Errorf("%d connections", n)
		}
	}
}

func TestA1_5_ConnectFails(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": fails("errorString")}, nil)
	if got := s.refused("/prod"); got != 502 {
		t.Errorf("handshake answered %d", got)
	}
}

func TestF2_4_ConnectCannotBeInvoked(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": func(context.Context, []byte) ([]byte, string, error) {
		return nil, "", errors.New("no such function")
	}}, nil)
	if got := s.refused("/prod"); got != 500 {
		t.Errorf("handshake answered %d", got)
	}
}

// malformed are results that are no proxy response.
var malformed = []string{
	`null`, ``, `"ok"`, `[]`, `{}`, `{"body":"x"}`, `{"statusCode":null}`, `{"statusCode":"two hundred"}`,
	`{"statusCode":200.5}`,
	`{"statusCode":99}`, `{"statusCode":101}`, `{"statusCode":1000}`, `{"statusCode":-1}`, `{"statusCode":[]}`,
	`{"statusCode":200,"body":{}}`, `{"statusCode":200,"headers":[]}`, `{"statusCode":200,"headers":{"a":{}}}`,
	`{"statusCode":200,"multiValueHeaders":{"a":"b"}}`, `{"statusCode":200,"isBase64Encoded":"no"}`,
	`{"statusCode":200`,
	`{"statusCode":200,"principalId":"x"}`, `{"StatusCode":200}`,
}

func TestA1_6_MalformedConnectResult(t *testing.T) {
	t.Parallel()
	for _, result := range malformed {
		s := start(t, map[string]function{"$connect": returns(result)}, nil)
		if got := s.refused("/prod"); got != 502 {
			t.Errorf("%s: handshake answered %d", result, got)
		}
	}
	s := start(t, map[string]function{"$connect": returns(`{}`)},
		func(o *Options) { o.Inferred.MalformedConnectStatus = 500 })
	if got := s.refused("/prod"); got != 500 {
		t.Errorf("with the option: %d", got)
	}
}

func TestA1_7_ConnectTimesOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	sleeps := func(context.Context, []byte) ([]byte, string, error) {
		<-release // the function runs on after the gateway has answered
		return []byte(ok), "", nil
	}
	for _, test := range []struct {
		name     string
		f        function
		inferred Inferred
		status   int
	}{
		{"its own timeout", fails("Sandbox.Timedout"), Inferred{}, 502},
		{"its own timeout, with the option", fails("Sandbox.Timedout"), Inferred{ConnectTaskTimeoutStatus: 504}, 504},
		{"integration timeout", sleeps, Inferred{}, 504},
		{"integration timeout, with the option", sleeps, Inferred{ConnectTimeoutStatus: 502}, 502},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, map[string]function{"$connect": test.f}, func(o *Options) {
				if strings.HasPrefix(test.name, "integration") { // the others have time, on a slow machine too
					route("$connect", func(r *Route) { r.Timeout = minIntegrationTimeout })(o)
				}
				o.Inferred = test.inferred
			})
			if got := s.refused("/prod"); got != test.status {
				t.Errorf("handshake answered %d, want %d", got, test.status)
			}
			if strings.HasPrefix(test.name, "integration") {
				release <- struct{}{}
			}
		})
	}
}

func TestA1_8_ConnectHeadersAndBodyStayInside(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 401} {
		result := fmt.Sprintf(`{"statusCode":%d,"headers":{"X-Secret":"1","Set-Cookie":"a=b"},"body":"secret"}`, status)
		s := start(t, map[string]function{"$connect": returns(result)}, nil)
		_, response, _ := s.tryDial("/prod", nil)
		if response.Header.Get("X-Secret") != "" || response.Header.Get("Set-Cookie") != "" {
			t.Errorf("%d: headers passed: %v", status, response.Header)
		}
		if status == 401 {
			if body, _ := io.ReadAll(response.Body); len(body) != 0 {
				t.Errorf("body passed: %q", body)
			}
		}
	}
}

func TestA1_11_PlainGet(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	for _, header := range []http.Header{
		{},
		{"Connection": {"keep-alive"}, "Upgrade": {"websocket"}},
		{"Connection": {"Upgrade"}, "Upgrade": {"h2c"}},
	} {
		response := s.get(t, "/prod", "", header)
		if response.StatusCode != http.StatusUpgradeRequired || response.Header.Get("Upgrade") != "websocket" {
			t.Errorf("%v answered %s", header, response.Status)
		}
	}
	s.noEvent("$connect")
}

func TestMalformedHandshakeNeverReachesConnect(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	for _, header := range []http.Header{
		{"Sec-Websocket-Version": {"12"}, "Sec-Websocket-Key": {key}},
		{"Sec-Websocket-Key": {key}},
		{"Sec-Websocket-Version": {"13"}},
		{"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"short"}},
		{"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {key, key}},
	} {
		header.Set("Connection", "keep-alive, Upgrade")
		header.Set("Upgrade", "WebSocket")
		if response := s.get(t, "/prod", "", header); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%v answered %s", header, response.Status)
		}
	}
	s.noEvent("$connect")
}

// get sends a request that the HTTP client leaves as it is.
func (s *stack) get(t *testing.T, path, host string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.sockets.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header, r.Host = header, host
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func TestA1_12_UnknownStage(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	for _, path := range []string{"/", "/dev", "/prod/x", "//prod", "/prod//", "/PROD"} {
		_, response, err := s.tryDial(path, nil)
		if err == nil {
			t.Errorf("%s: connected", path)
			continue
		}
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != 403 || string(body) != `{"message":"Forbidden"}` {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}
	s.noEvent("$connect")
	s = start(t, nil, func(o *Options) { o.Inferred.UnknownStageStatus = 404 })
	if got := s.refused("/dev"); got != 404 {
		t.Errorf("with the option: %d", got)
	}
}

func TestHostAndStagePickTheAPI(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, func(o *Options) {
		second, third := o.APIs[0], o.APIs[0]
		second.ID = "api2"
		third.ID, third.Stage = "api2", "dev"
		o.APIs = append(o.APIs, second, third)
	})
	for _, test := range []struct{ host, path, api string }{
		{"api1.execute-api.us-east-1.amazonaws.com", "/prod", "api1"},
		{"API2.execute-api.us-east-1.amazonaws.com:4566", "/prod", "api2"},
		{"api2.execute-api.us-east-1.amazonaws.com", "/dev", "api2"},
		{"localhost:4566", "/dev", "api2"},
		{"localhost:4566", "/prod", ""}, // two have it
		{"api3.execute-api.us-east-1.amazonaws.com", "/prod", ""},
		{"api1.execute-api.us-east-1.amazonaws.com", "/dev", ""},
	} {
		_, response, err := s.tryDial(test.path, &websocket.DialOptions{Host: test.host})
		if test.api == "" {
			if err == nil || response.StatusCode != 403 {
				t.Errorf("%s%s: %v", test.host, test.path, response)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s%s: %v", test.host, test.path, err)
			continue
		}
		e, _ := s.event("$connect")
		want := test.api + ".execute-api.us-east-1.amazonaws.com"
		if e.RequestContext.APIID != test.api || e.RequestContext.DomainName != want || e.Headers["Host"] != want {
			t.Errorf("%s%s: went to %s as %s", test.host, test.path, e.RequestContext.APIID,
				e.RequestContext.DomainName)
		}
	}
}

func TestA2_1_HeadersOf101(t *testing.T) {
	t.Parallel()
	s := start(t, nil, nil)
	_, response, err := s.tryDial("/prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Date", "Connection", "Upgrade", "Sec-WebSocket-Accept"} {
		if response.Header.Get(name) == "" {
			t.Errorf("no %s: %v", name, response.Header)
		}
	}
}

func TestA4_4_LongURL(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	rest := 4096 - len("wss://") - len(s.sockets.Listener.Addr().String()) - len("/prod?a=")
	if _, _, err := s.tryDial("/prod?a="+strings.Repeat("x", rest), nil); err != nil {
		t.Errorf("4096 characters: %v", err)
	}
	if got := s.refused("/prod?a=" + strings.Repeat("x", rest+1)); got != http.StatusRequestURITooLong {
		t.Errorf("4097 characters answered %d", got)
	}
}

func TestOriginIsNotChecked(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	_, _, err := s.tryDial("/prod",
		&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := s.event("$connect"); e.Headers["Origin"] != "https://elsewhere.example" {
		t.Errorf("the function saw %v", e.Headers)
	}
}

func TestA8_13_NoDisconnectAfterRefusal(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"$connect": returns(`{"statusCode":401}`), "$disconnect": returns(ok)}
	s := start(t, functions, nil)
	s.refused("/prod")
	if err := s.gateway.Shutdown(t.Context()); err != nil { // the handler has returned
		t.Fatal(err)
	}
	s.noEvent("$disconnect")

	s = start(t, functions, func(o *Options) { o.Inferred.DisconnectAfterRefusal = true })
	s.refused("/prod")
	s.wantDisconnect(1006, "")
}

func TestEarlyFramesPassTheInspector(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"echo": echoes, "$disconnect": returns(ok)}, twoWay("echo"))
	c := s.dialRaw(append(frame(fin|opText, []byte(`{"action":"echo"}`)), frame(fin|opBinary, []byte("x"))...)...)
	if opcode, payload := c.readFrame(); opcode == opText {
		if string(payload) != `{"action":"echo"}` {
			t.Errorf("received %q", payload)
		}
		c.wantClose(1003)
	} else if opcode != opClose {
		t.Errorf("received frame %x %q", opcode, payload)
	}
	c.Close()
	s.wantDisconnect(1003, "")
}
