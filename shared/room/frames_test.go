package room_test

import (
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// TestRefusedFrames sends frames that are refused for their form or for what
// they ask. The connection stays open and nothing is stored.
func TestRefusedFrames(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	for _, test := range []struct {
		action, body string
		want         *chat.Error
	}{
		{"ping", `hello`, chat.BadFrame},
		{"ping", `{"action":"ping","heads":{"No Room":1}}`, chat.BadFrame},
		{"handshake", `{"action":"handshake","v":2,"user":"admin"}`, chat.NameInvalid},
		{"handshake", `{"action":"handshake","user":"ada"}`, chat.VersionUnsupported},
		{"ping", `{"action":"ping"}`, chat.BadFrame},
		{"history", `{"action":"history","ref":"r","room":"nowhere"}`, chat.NotAMember},
		{"leaveRoom", `{"action":"leaveRoom","ref":"r","room":"lobby"}`, chat.RoomInvalid},
		{"leaveRoom", `{"action":"leaveRoom","ref":"r","room":"nowhere"}`, chat.RoomInvalid},
		{"presence", `{"action":"presence","ref":"r","room":"nowhere"}`, chat.NotAMember},
		{"typing", `{"action":"typing","room":"nowhere"}`, chat.NotAMember},
		{"mark", `{"action":"mark","room":"nowhere","delivered":1,"read":1}`, chat.NotAMember},
	} {
		got := c.rawMAC(test.action, test.body)
		c.expect(got, test.want)
		if want := strings.HasPrefix(test.body, "{") && test.action != frame.ActionHandshake; got[0].authentic != want {
			t.Errorf("%s: the refusal is authenticated: %v, want %v", test.body, got[0].authentic, want)
		}
	}
	tail, err := w.store.Tail(t.Context(), chat.Lobby, c.rooms[0].Epoch)
	must(t, err)
	if tail.Seq != 0 {
		t.Errorf("got a log with head %d, want an empty one", tail.Seq)
	}
}

func TestHandshakeComesFirst(t *testing.T) {
	w, ada := newWorld(t), newDevice(t, "ada")
	for _, f := range []frame.Request{
		{Action: "sendMessage", JWE: "x"},
		{Action: "history", Room: "lobby"},
		{Action: "joinRoom", Room: "den"},
		{Action: "leaveRoom", Room: "den"},
		{Action: "rotateKey", Proof: "x"},
		{Action: "ping"},
		{Action: "presence", Room: "lobby"},
		{Action: "typing", Room: "lobby"},
		{Action: "mark", Room: "lobby", Delivered: 1},
	} {
		c := w.dial(ada)
		c.expect(c.do(f.Action, f), chat.HandshakeRequired)
	}
}

func TestDeviceRate(t *testing.T) {
	w := newWorld(t)
	c := w.enter(newDevice(t, "ada"))
	for range chat.DeviceBurst {
		c.expectOne(c.do("ping", frame.Request{}), frame.TypePong)
	}
	c.expect(c.do("ping", frame.Request{}), chat.RateLimited)
	w.clock.Advance(chat.DeviceInterval)
	c.expectOne(c.do("ping", frame.Request{}), frame.TypePong)
}
