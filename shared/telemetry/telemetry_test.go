package telemetry

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/sotto-chat/sotto/shared/chat"
)

const token = "eyJhbGciOiJFZERTQSJ9.eyJib2R5IjoiaGVsbG8ifQ.c2lnbmF0dXJl"

// stringer, marshaler and valuer show a token by their methods only.
type (
	stringer  struct{ hidden string }
	marshaler struct{ hidden string }
	valuer    struct{ hidden string }
)

func (s stringer) String() string                { return "cannot open " + s.hidden }
func (m marshaler) MarshalText() ([]byte, error) { return []byte("cannot open " + m.hidden), nil }
func (v valuer) LogValue() slog.Value {
	return slog.GroupValue(slog.String("what", "cannot open "+v.hidden), slog.String("body", "hello"))
}

// message is a struct with secrets under the names that frames and Go use.
type message struct {
	Room    chat.Room
	Body    string
	Sealed  []byte `json:"sealed"`
	Proof   string `json:"p"`
	Note    string `json:"note"`
	Renamed string `json:"jwe"`
	Next    *message
}

// TestSecretsAreRemoved logs secrets in every form in which an attribute can
// hold one.
func TestSecretsAreRemoved(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	m := message{Room: "lobby", Body: "hello", Sealed: []byte("hello"), Proof: "hello", Note: token, Renamed: "hello"}
	m.Next = &m // a cycle
	for name, test := range map[string]struct {
		value any
		want  string // what the line shows instead
	}{
		"a text":          {"cannot open " + token, `"x":"cannot open [token]"`},
		"a typed text":    {chat.Room(token), `"x":"[token]"`},
		"an error":        {errors.New("cannot open " + token), `"x":"cannot open [token]"`},
		"bytes":           {[]byte("hello"), `"x":"[5 bytes]"`},
		"an array":        {[5]byte([]byte("hello")), `"x":"[5 bytes]"`},
		"raw JSON":        {json.RawMessage(`{"a":"hello"}`), `"x":"[13 bytes]"`},
		"a Stringer":      {stringer{token}, `"x":"cannot open [token]"`},
		"a TextMarshaler": {marshaler{token}, `"x":"cannot open [token]"`},
		"a LogValuer":     {valuer{token}, `"x":{"what":"cannot open [token]","body":"[redacted]"}`},
		"a slice":         {[]string{"a", token}, `"x":["a","[token]"]`},
		"errors":          {[]error{errors.New(token)}, `"x":["[token]"]`},
		"a map": {map[string]any{"body": "hello", "a": map[string]string{"JWE": "hello"}},
			`"a":{"JWE":"[redacted]"}`},
		"a map's keys":     {map[string]int{token: 1}, `"x":{"[token]":1}`},
		"a struct":         {m, `"Body":"[redacted]"`},
		"a pointer":        {&m, `"note":"[token]"`},
		"a group":          {slog.GroupValue(slog.Any("y", []byte("hello"))), `"x":{"y":"[5 bytes]"}`},
		"a group's secret": {slog.GroupValue(slog.Group("proof", "y", "hello")), `"x":{"proof":{"y":"[redacted]"}}`},
		"a private key":    {struct{ K *rsa.PrivateKey }{key}, `"x":{"K":"[redacted]"}`},
	} {
		var out bytes.Buffer
		NewLogger(&out, "sendmessage").Error("it failed", "x", test.value)
		line := out.String()
		for _, secret := range []string{token, "eyJ", "hello", "aGVsbG8", "c2lnbmF0dXJl", key.D.String()[:20]} {
			if strings.Contains(line, secret) {
				t.Errorf("%s: the line shows %q: %s", name, secret, line)
			}
		}
		if !strings.Contains(line, test.want) {
			t.Errorf("%s: got %s, want %s in it", name, line, test.want)
		}
	}
}

func TestSecretNamesAreRedacted(t *testing.T) {
	for name := range secrets {
		var out bytes.Buffer
		NewLogger(&out, "sendmessage").Error("it failed", name, "hello")
		if want := fmt.Sprintf(`%q:"[redacted]"`, name); !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %s in it", out.String(), want)
		}
	}
	var out bytes.Buffer
	NewLogger(&out, "sendmessage").WithGroup("body").With("a", "hello").Error("cannot open "+token, "b", "hello")
	for _, secret := range []string{"hello", "eyJ"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the line shows %q: %s", secret, out.String())
		}
	}
}

// TestHarmlessValuesAreShown keeps redaction from hiding what a reader needs.
func TestHarmlessValuesAreShown(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, "ping").Error("it failed", "room", chat.Lobby, "seq", chat.Seq(7), "n", 3, "ok", true,
		"duration", 2*time.Second, "list", []int{1, 2}, "wide", math.Inf(1), "none", nil, "ratio", []float64{0.5},
		"call", func() {}, "count", uint8(4), "flag", []bool{true}, "sizes", []uint16{9}, "nilErr", (*chat.Error)(nil))
	for _, want := range []string{`"room":"lobby"`, `"function":"ping"`, `"seq":7`, `"n":3`, `"ok":true`,
		`"duration":2000000000`, `"list":[1,2]`, `"none":null`, `"ratio":["0.5"]`, `"call":"[func()]"`, `"count":4`,
		`"flag":[true]`, `"sizes":[9]`, `"nilErr":null`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the line lacks %s: %s", want, out.String())
		}
	}
}

func TestInvocation(t *testing.T) {
	var out bytes.Buffer
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	NewLogger(&out, "ping").With("a", 1).InfoContext(ctx, "hello")
	if !strings.Contains(out.String(), `"invocation":"id-1"`) {
		t.Errorf("got %s, want the invocation's id", out.String())
	}
}
