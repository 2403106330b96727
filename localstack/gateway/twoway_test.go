package gateway

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestA7_1_OnlyWithARouteResponse(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{
		"tell": returns(`{"statusCode":200,"body":"not sent"}`),
		"ask":  echoes,
	}, twoWay("ask"))
	c := s.dial()
	c.send(`{"action":"tell"}`)
	s.event("tell")
	if err := awaitIdle(s); err != nil {
		t.Fatal(err)
	}
	c.send(`{"action":"ask"}`)
	c.wantReceive(`{"action":"ask"}`)
}

func TestA7_3_BodyIsTheMessage(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 128<<10)
	for _, test := range []struct{ result, want string }{
		{`{"statusCode":200,"body":"hello"}`, "hello"},
		{`{"statusCode":500,"headers":{"a":"b"},"body":"{\"a\":1}"}`, `{"a":1}`},
		{`{"statusCode":200}`, ""},
		{`{"statusCode":200,"body":null}`, ""},
		{`{"statusCode":200,"body":"` + long + `"}`, long},
	} {
		s := start(t, map[string]function{"ask": returns(test.result)}, twoWay("ask"))
		c := s.dial()
		c.send(`{"action":"ask"}`)
		if got := c.receive(); got != test.want {
			t.Errorf("%.80s: got message %.80q, want %.80q", test.result, got, test.want)
		}
	}
	s := start(t, map[string]function{"ask": returns(`{"statusCode":200,"body":"x` + long + `"}`)}, twoWay("ask"))
	c := s.dial()
	c.send(`{"action":"ask"}`)
	c.wantPrefix(`{"message": "Internal server error"`)
}

func TestB8_NullMapsAreAccepted(t *testing.T) {
	t.Parallel()
	result, err := json.Marshal(events.APIGatewayProxyResponse{StatusCode: 200})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":""}`; string(result) != want {
		t.Errorf("got %s from aws-lambda-go, want %s", result, want)
	}
	s := start(t, map[string]function{"$connect": returns(string(result)), "ask": returns(string(result))},
		twoWay("ask"))
	c := s.dial()
	c.send(`{"action":"ask"}`)
	c.wantReceive("")
}

func TestB9_ProxyResponseIsStrict(t *testing.T) {
	t.Parallel()
	const known = `{"statusCode":200,"headers":{"a":"b"},"multiValueHeaders":{"a":["b"]},` +
		`"body":"x","isBase64Encoded":false`
	for _, test := range []struct {
		result  string
		lenient bool
		good    bool
	}{
		{known + `}`, false, true},
		{known + `,"extra":1}`, false, false},
		{known + `,"extra":1}`, true, true},
		{known + `,"StatusCode":200}`, false, false},
	} {
		s := start(t, map[string]function{"ask": returns(test.result)}, func(o *Options) {
			o.Inferred.LenientProxyResponse = test.lenient
			twoWay("ask")(o)
		})
		c := s.dial()
		c.send(`{"action":"ask"}`)
		if got := c.receive(); (got == "x") != test.good ||
			!test.good && !strings.HasPrefix(got, `{"message": "Internal server error"`) {
			t.Errorf("%s, lenient %t: got message %q, want accepted %t", test.result, test.lenient, got, test.good)
		}
	}
}

func TestA7_4_DisconnectCannotAnswer(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$disconnect": returns(`{"statusCode":200,"body":"bye"}`)}, twoWay("$disconnect"))
	c := s.dialRaw()
	c.write(frame(fin|opClose, []byte{3, 232}))
	c.readFrame() // the answer to the close frame
	s.event("$disconnect")
	if rest, err := io.ReadAll(c.reader); err != nil || len(rest) != 0 {
		t.Errorf("got %q, %v after the close frame, want nothing", rest, err)
	}
}

func TestA7_4_ConnectResultIsNotSent(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{
		"$connect": returns(`{"statusCode":200,"body":"welcome"}`),
		"echo":     echoes,
	}, twoWay("$connect", "echo"))
	c := s.dial()
	c.send(`{"action":"echo"}`)
	c.wantReceive(`{"action":"echo"}`)
}

func TestA7_5_MessagesRunConcurrently(t *testing.T) {
	t.Parallel()
	// The function of the first message ends after that of the second has
	// answered.
	second, answered := make(chan struct{}), make(chan struct{})
	s := start(t, map[string]function{
		"first": func(context.Context, []byte) ([]byte, string, error) {
			<-second
			<-answered
			return []byte(`{"statusCode":200,"body":"first"}`), "", nil
		},
		"second": func(context.Context, []byte) ([]byte, string, error) {
			close(second)
			return []byte(`{"statusCode":200,"body":"second"}`), "", nil
		},
	}, twoWay("first", "second"))
	c := s.dial()
	c.send(`{"action":"first"}`)
	c.send(`{"action":"second"}`)
	c.wantReceive("second")
	close(answered)
	c.wantReceive("first")
}

func TestA7_5_SerialWithTheOption(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, map[string]function{
		"first": func(context.Context, []byte) ([]byte, string, error) {
			<-release
			return []byte(`{"statusCode":200,"body":"first"}`), "", nil
		},
		"second": echoes,
	}, func(o *Options) {
		twoWay("first", "second")(o)
		o.Inferred.SerialMessages = true
	})
	c := s.dial()
	c.send(`{"action":"first"}`)
	c.send(`{"action":"second"}`)
	s.event("first")
	s.noEvent("second")
	close(release)
	for _, want := range []string{"first", `{"action":"second"}`} {
		c.wantReceive(want)
	}
}
