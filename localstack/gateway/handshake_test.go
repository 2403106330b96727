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

	"github.com/sotto-chat/sotto/localstack/trace/tracetest"
)

func TestA1_1_UpgradeWaitsForConnect(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, map[string]function{"$connect": func(context.Context, []byte) ([]byte, string, error) {
		<-release
		return []byte(ok), "", nil
	}}, nil)
	dialed := make(chan error, 1)
	go func() {
		_, _, err := s.tryDial("/prod", nil)
		dialed <- err
	}()
	s.event("$connect")
	select {
	case err := <-dialed:
		t.Errorf("got handshake answered before $connect returned (%v), want after", err)
	default:
	}
	s.wantConnections(0)
	close(release)
	if err := <-dialed; err != nil {
		t.Error(err)
	}
	s.wantConnections(1)
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
		`{"statusCode":200,"headers":{"a":1,"b":true},"multiValueHeaders":{"c":["d"]},` +
			`"body":"x","isBase64Encoded":false}`,
	} {
		s := start(t, map[string]function{"$connect": returns(result)}, nil)
		if _, response, err := s.tryDial("/prod", nil); err != nil ||
			response.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%s: got error %v, want 101", result, err)
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
		s.wantStatus("/prod", status)
		s.wantConnections(0)
	}
}

func TestA1_5_ConnectFails(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": fails("errorString")}, nil)
	s.wantStatus("/prod", 502)
}

func TestF2_4_ConnectCannotBeInvoked(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": func(context.Context, []byte) ([]byte, string, error) {
		return nil, "", errors.New("no such function")
	}}, nil)
	s.wantStatus("/prod", 500)
}

// malformed are results that are not proxy responses.
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
			t.Errorf("%s: got %d, want 502", result, got)
		}
	}
	s := start(t, map[string]function{"$connect": returns(`{}`)},
		func(o *Options) { o.Inferred.MalformedConnectStatus = 500 })
	s.wantStatus("/prod", 500)
}

func TestA1_7_ConnectTimesOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	sleeps := func(context.Context, []byte) ([]byte, string, error) {
		<-release // the function continues after the gateway has answered
		return []byte(ok), "", nil
	}
	for _, test := range []struct {
		name     string
		f        function
		inferred Inferred
		status   int
	}{
		{"function timeout", fails("Sandbox.Timedout"), Inferred{}, 502},
		{"function timeout, with the option", fails("Sandbox.Timedout"), Inferred{ConnectTaskTimeoutStatus: 504}, 504},
		{"integration timeout", sleeps, Inferred{}, 504},
		{"integration timeout, with the option", sleeps, Inferred{ConnectTimeoutStatus: 502}, 502},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, map[string]function{"$connect": test.f}, func(o *Options) {
				if strings.HasPrefix(test.name, "integration") { // others keep the long timeout, for slow machines
					route("$connect", func(r *Route) { r.Timeout = minIntegrationTimeout })(o)
				}
				o.Inferred = test.inferred
			})
			s.wantStatus("/prod", test.status)
			if strings.HasPrefix(test.name, "integration") {
				release <- struct{}{}
			}
		})
	}
}

func TestA1_8_ConnectHeadersAndBodyAreNotSent(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 401} {
		result := fmt.Sprintf(`{"statusCode":%d,"headers":{"X-Secret":"1","Set-Cookie":"a=b"},"body":"secret"}`, status)
		s := start(t, map[string]function{"$connect": returns(result)}, nil)
		_, response, _ := s.tryDial("/prod", nil)
		if response.Header.Get("X-Secret") != "" || response.Header.Get("Set-Cookie") != "" {
			t.Errorf("status %d: got headers %v, want none of the function's", status, response.Header)
		}
		if status == 401 {
			if body, _ := io.ReadAll(response.Body); len(body) != 0 {
				t.Errorf("got body %q, want none", body)
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
			t.Errorf("%v: got %s, want 426 with Upgrade: websocket", header, response.Status)
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
			t.Errorf("%v: got %s, want 400", header, response.Status)
		}
	}
	s.noEvent("$connect")
}

// get sends a GET with only this header.
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
			t.Errorf("%s: got a connection, want 403", path)
			continue
		}
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != 403 || string(body) != `{"message":"Forbidden"}` {
			t.Errorf("%s: got %s %s, want 403 Forbidden", path, response.Status, body)
		}
	}
	s.noEvent("$connect")
	recorder := new(tracetest.Recorder)
	s = start(t, nil, func(o *Options) {
		o.Inferred.UnknownStageStatus = 404
		o.Trace = recorder
	})
	s.wantStatus("/dev", 404)
	if traced := recorder.Events(); len(traced) != 1 || traced[0].Status != 404 || traced[0].Operation != "GET /dev" {
		t.Errorf("the trace has %+v, want the refused handshake", traced)
	}
}

func TestHostAndStageSelectTheAPI(t *testing.T) {
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
		{"localhost:4566", "/prod", ""}, // two APIs have the stage
		{"api3.execute-api.us-east-1.amazonaws.com", "/prod", ""},
		{"api1.execute-api.us-east-1.amazonaws.com", "/dev", ""},
	} {
		_, response, err := s.tryDial(test.path, &websocket.DialOptions{Host: test.host})
		if test.api == "" {
			if err == nil || response.StatusCode != 403 {
				t.Errorf("%s%s: got %v, want 403", test.host, test.path, response)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s%s: got error %v, want a connection", test.host, test.path, err)
			continue
		}
		e, _ := s.event("$connect")
		want := test.api + ".execute-api.us-east-1.amazonaws.com"
		if e.RequestContext.APIID != test.api || e.RequestContext.DomainName != want || e.Headers["Host"] != want {
			t.Errorf("%s%s: got API %s with domain %s, want %s with %s", test.host, test.path,
				e.RequestContext.APIID, e.RequestContext.DomainName, test.api, want)
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
			t.Errorf("got headers %v, want %s", response.Header, name)
		}
	}
}

func TestA4_4_LongURL(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$connect": returns(ok)}, nil)
	rest := 4096 - len("wss://") - len(s.sockets.Listener.Addr().String()) - len("/prod?a=")
	if _, _, err := s.tryDial("/prod?a="+strings.Repeat("x", rest), nil); err != nil {
		t.Errorf("4096 characters: got error %v, want a connection", err)
	}
	s.wantStatus("/prod?a="+strings.Repeat("x", rest+1), http.StatusRequestURITooLong)
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
		t.Errorf("got headers %v in the event, want the Origin", e.Headers)
	}
}

func TestA8_13_NoDisconnectAfterRefusal(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"$connect": returns(`{"statusCode":401}`), "$disconnect": returns(ok)}
	s := start(t, functions, nil)
	s.refused("/prod")
	if err := s.gateway.Shutdown(t.Context()); err != nil { // returns after the handler
		t.Fatal(err)
	}
	s.noEvent("$disconnect")

	s = start(t, functions, func(o *Options) { o.Inferred.DisconnectAfterRefusal = true })
	s.refused("/prod")
	s.wantDisconnect(1006, "")
}

func TestEarlyFramesAreInspected(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"echo": echoes, "$disconnect": returns(ok)}, twoWay("echo"))
	c := s.dialRaw(append(frame(fin|opText, []byte(`{"action":"echo"}`)), frame(fin|opBinary, []byte("x"))...)...)
	if opcode, payload := c.readFrame(); opcode == opText {
		if string(payload) != `{"action":"echo"}` {
			t.Errorf("got message %q, want the echo", payload)
		}
		c.wantClose(1003)
	} else if opcode != opClose {
		t.Errorf("got frame %x %q, want a close frame", opcode, payload)
	}
	c.Close()
	s.wantDisconnect(1003, "")
}
