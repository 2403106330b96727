package room_test

import (
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// TestBadFrames sends what breaks the protocol's form. The connection stays
// open, nothing is stored, and the ref comes back wherever it can be read.
func TestBadFrames(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	long := strings.Repeat("r", chat.MaxRef+1)
	for _, test := range []struct {
		action, body string
		want         *chat.Error
	}{
		{"ping", ``, chat.BadFrame},
		{"ping", `hello`, chat.BadFrame},
		{"ping", `[]`, chat.BadFrame},
		{"ping", `null`, chat.BadFrame},
		{"ping", `{"action":"ping"} {}`, chat.BadFrame},
		{"ping", `{"action":"ping","action":"ping"}`, chat.BadFrame},
		{"ping", `{"action":"ping","ref":7}`, chat.BadFrame},
		{"ping", `{"action":"ping","ref":"` + long + `"}`, chat.BadFrame},
		{"ping", `{"action":"ping","ref":"\ud800"}`, chat.BadFrame},
		{"ping", "{\"action\":\"ping\",\"ref\":\"\xff\"}", chat.BadFrame},
		{"ping", `{"Action":"ping"}`, chat.BadFrame},
		{"ping", `{"action":"ping","heads":[]}`, chat.BadFrame},
		{"ping", `{"action":"ping","heads":{"lobby":-1}}`, chat.BadFrame},
		{"ping", `{"action":"ping","heads":{"No Room":1}}`, chat.BadFrame},
		{"handshake", `{"action":"handshake"}`, chat.BadFrame},
		{"handshake", `{"action":"handshake","user":"ada","proof":"x"}`, chat.BadFrame},
		{"handshake", `{"action":"handshake","user":"A"}`, chat.NameInvalid},
		{"handshake", `{"action":"handshake","user":"admin"}`, chat.NameInvalid},
		{"sendMessage", `{"action":"sendMessage"}`, chat.BadFrame},
		{"sendMessage", `{"action":"sendMessage","JWE":"x"}`, chat.BadFrame},
		{"sendMessage", `{"action":"sendMessage","jwe":"` + strings.Repeat("x", chat.MaxFrame) + `"}`,
			chat.FrameTooLarge},
		{"history", `{"action":"history"}`, chat.BadFrame},
		{"history", `{"action":"history","room":"x"}`, chat.RoomInvalid},
		{"history", `{"action":"history","room":"lobby","after":-1}`, chat.BadFrame},
		{"history", `{"action":"history","room":"lobby","after":1.5}`, chat.BadFrame},
		{"history", `{"action":"history","room":"lobby","limit":101}`, chat.BadFrame},
		{"joinRoom", `{"action":"joinRoom"}`, chat.BadFrame},
		{"joinRoom", `{"action":"joinRoom","room":"No Room"}`, chat.RoomInvalid},
		{"leaveRoom", `{"action":"leaveRoom","room":"lobby"}`, chat.RoomInvalid},
		{"leaveRoom", `{"action":"leaveRoom","room":"nowhere"}`, chat.RoomInvalid},
		{"rotateKey", `{"action":"rotateKey"}`, chat.BadFrame},
		{"presence", `{"action":"presence"}`, chat.BadFrame},
		{"presence", `{"action":"presence","room":"No Room"}`, chat.RoomInvalid},
		{"presence", `{"action":"presence","room":"nowhere"}`, chat.NotAMember},
		{"typing", `{"action":"typing"}`, chat.BadFrame},
		{"typing", `{"action":"typing","room":"x"}`, chat.RoomInvalid},
		{"typing", `{"action":"typing","room":"nowhere"}`, chat.NotAMember},
		{"mark", `{"action":"mark","delivered":1,"read":1}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":1,"read":2}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":-1,"read":-2}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":1,"read":-1}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":1.5,"read":1}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":9007199254740992,"read":1}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"nowhere","delivered":1,"read":1}`, chat.NotAMember},
		{"$default", `{"action":"dance"}`, chat.UnknownAction},
		{"$default", `{"action":7}`, chat.BadFrame},
		{"$default", `{}`, chat.BadFrame},
		{"$default", `hello`, chat.BadFrame},
		{"$default", strings.Repeat("x", chat.MaxFrame+1), chat.FrameTooLarge},
	} {
		got := c.raw(test.action, test.body)
		c.expect(got, test.want)
	}
	got := c.raw("$default", `{"action":"dance","ref":"r1"}`)
	if got[0].Ref != "r1" {
		t.Errorf("the ref did not come back: %+v", got)
	}
	got = c.raw("ping", `{"action":"ping","ref":"r2","more":{"unknown":[1]}}`)
	if len(got) != 1 || got[0].Type != frame.TypePong || got[0].Ref != "r2" {
		t.Errorf("unknown members are ignored, but got %+v", got)
	}
	tail, err := w.store.Tail(t.Context(), chat.Lobby, c.rooms[0].Epoch)
	must(t, err)
	if tail.Seq != 0 {
		t.Error("something was stored")
	}
}

func TestHandshakeComesFirst(t *testing.T) {
	c := newWorld(t).dial(newDevice(t, "ada"))
	for _, f := range []frame.Request{
		{Action: "sendMessage", JWE: "x"}, {Action: "history", Room: "lobby"}, {Action: "joinRoom", Room: "den"},
		{Action: "leaveRoom", Room: "den"}, {Action: "rotateKey", Proof: "x"}, {Action: "ping"},
		{
			Action: "presence",
			Room:   "lobby",
		}, {
			Action: "typing",
			Room:   "lobby",
		}, {
			Action:    "mark",
			Room:      "lobby",
			Delivered: 1,
		},
	} {
		c.expect(c.do(f.Action, f), chat.HandshakeRequired)
	}
}

func TestDeviceRate(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	for range chat.DeviceRate {
		c.expectOne(c.do("ping", frame.Request{}), frame.TypePong)
	}
	c.expect(c.do("ping", frame.Request{}), chat.RateLimited)
	w.clock.Advance(chat.DeviceRateWindow)
	c.expectOne(c.do("ping", frame.Request{}), frame.TypePong)
}
