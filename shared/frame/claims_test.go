package frame_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// thumbprint has the form of one.
var thumbprint = strings.Repeat("A", 43)

func TestHandshakeClaims(t *testing.T) {
	good := func() *frame.HandshakeClaims {
		return &frame.HandshakeClaims{
			V:     frame.Version,
			Sub:   "ada",
			Aud:   "chat.example/test",
			Nonce: chat.NewNonce(),
			SKID:  thumbprint,
			Enc:   jsontext.Value(`{}`),
			Gen:   1,
			SK:    "x",
		}
	}
	for name, test := range map[string]struct {
		change func(*frame.HandshakeClaims)
		want   error
	}{
		"as they should be": {func(*frame.HandshakeClaims) {}, nil},
		"another version":   {func(c *frame.HandshakeClaims) { c.V = 1 }, chat.BadProof},
		"no audience":       {func(c *frame.HandshakeClaims) { c.Aud = "" }, chat.BadProof},
		"no nonce":          {func(c *frame.HandshakeClaims) { c.Nonce = "" }, chat.BadProof},
		"no server key":     {func(c *frame.HandshakeClaims) { c.SKID = "x" }, chat.BadProof},
		"no key":            {func(c *frame.HandshakeClaims) { c.Enc = nil }, chat.BadProof},
		"generation 0":      {func(c *frame.HandshakeClaims) { c.Gen = 0 }, chat.BadProof},
		"no secret":         {func(c *frame.HandshakeClaims) { c.SK = "" }, chat.BadProof},
		"no name":           {func(c *frame.HandshakeClaims) { c.Sub = "A" }, chat.NameInvalid},
	} {
		c := good()
		test.change(c)
		if err := c.Check(); !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v, want %v", name, err, test.want)
		}
	}
}

func TestMessageClaims(t *testing.T) {
	good := func() *frame.MessageClaims {
		return &frame.MessageClaims{
			V:    frame.Version,
			SID:  "s",
			Sub:  "ada",
			SKID: thumbprint,
			Room: "den",
			ID:   "01ARZ3NDEKTSV4RRFFQ69G5FAV",
			Body: strings.Repeat("x", chat.MaxBody),
		}
	}
	for name, test := range map[string]struct {
		change func(*frame.MessageClaims)
		want   error
	}{
		"as they should be": {func(*frame.MessageClaims) {}, nil},
		"no text":           {func(c *frame.MessageClaims) { c.Body = "" }, nil},
		"another version":   {func(c *frame.MessageClaims) { c.V = 1 }, chat.BadEnvelope},
		"no session":        {func(c *frame.MessageClaims) { c.SID = "" }, chat.BadEnvelope},
		"no sender":         {func(c *frame.MessageClaims) { c.Sub = "" }, chat.BadEnvelope},
		"no server key":     {func(c *frame.MessageClaims) { c.SKID = "x" }, chat.BadEnvelope},
		"no id":             {func(c *frame.MessageClaims) { c.ID = "1" }, chat.BadEnvelope},
		"no room":           {func(c *frame.MessageClaims) { c.Room = "No Room" }, chat.RoomInvalid},
		"a long text":       {func(c *frame.MessageClaims) { c.Body += "x" }, chat.BodyTooLarge},
	} {
		c := good()
		test.change(c)
		if err := c.Check(); !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v, want %v", name, err, test.want)
		}
	}
}

func TestRotateAndRevokeClaims(t *testing.T) {
	for name, test := range map[string]struct {
		claims interface{ Check() error }
		want   error
	}{
		"a rotation":         {&frame.RotateClaims{SID: "s", Enc: jsontext.Value(`{}`), Gen: 2}, nil},
		"to generation 1":    {&frame.RotateClaims{SID: "s", Enc: jsontext.Value(`{}`), Gen: 1}, chat.BadProof},
		"without a key":      {&frame.RotateClaims{SID: "s", Gen: 2}, chat.BadProof},
		"without a session":  {&frame.RotateClaims{Enc: jsontext.Value(`{}`), Gen: 2}, chat.BadProof},
		"a revocation":       {&frame.RevokeClaims{SID: "s", Dev: chat.Device(thumbprint)}, nil},
		"of no device":       {&frame.RevokeClaims{SID: "s", Dev: "x"}, chat.BadProof},
		"outside a session":  {&frame.RevokeClaims{Dev: chat.Device(thumbprint)}, chat.BadProof},
		"of nothing at all":  {&frame.RevokeClaims{}, chat.BadProof},
		"rotation to itself": {&frame.RotateClaims{}, chat.BadProof},
	} {
		if err := test.claims.Check(); !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v, want %v", name, err, test.want)
		}
	}
}

func TestIsNonce(t *testing.T) {
	for nonce, want := range map[string]bool{
		chat.NewNonce():               true,
		strings.Repeat("A", 43):       true,
		strings.Repeat("A", 42) + "B": false, // bits behind the 256th
		strings.Repeat("A", 42):       false,
		strings.Repeat("A", 44):       false,
		strings.Repeat("A", 43) + "=": false,
		"":                            false,
	} {
		if got := frame.IsNonce(nonce); got != want {
			t.Errorf("%q: got %v, want %v", nonce, got, want)
		}
	}
}
