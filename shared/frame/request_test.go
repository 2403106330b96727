package frame_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// maxSeq is the highest seq that a client may send (protocol §3).
const maxSeq = 1<<53 - 1

// heads returns a ping for n rooms.
func heads(n int) string {
	var rooms []string
	for i := range n {
		rooms = append(rooms, fmt.Sprintf(`"room-%d":%d`, i, i))
	}
	return `{"action":"ping","ref":"r","heads":{` + strings.Join(rooms, ",") + `}}`
}

func TestParse(t *testing.T) {
	for body, want := range map[string]frame.Request{
		`{"action":"handshake","v":2,"user":"ada","ref":"r"}`: {Action: "handshake", V: 2, User: "ada", Ref: "r"},
		`{"action":"handshake","v":2,"user":"ada"}`:           {Action: "handshake", V: 2, User: "ada"},
		`{"action":"handshake","proof":"x"}`:                  {Action: "handshake", Proof: "x"},
		`{"action":"sendMessage","ref":"r","jwe":"x"}`:        {Action: "sendMessage", Ref: "r", JWE: "x"},
		`{"action":"history","ref":"r","room":"lobby"}`: {
			Action: "history",
			Ref:    "r",
			Room:   "lobby",
			Limit:  chat.MaxHistoryLimit,
		},
		`{"action":"history","ref":"r","room":"lobby","after":9007199254740990,"limit":1}`: {
			Action: "history",
			Ref:    "r",
			Room:   "lobby",
			After:  maxSeq - 1,
			Limit:  1,
		},
		`{"action":"joinRoom","ref":"r","room":"den"}`:     {Action: "joinRoom", Ref: "r", Room: "den"},
		`{"action":"rotateKey","ref":"r","proof":"x"}`:     {Action: "rotateKey", Ref: "r", Proof: "x"},
		`{"action":"devices","ref":"r"}`:                   {Action: "devices", Ref: "r"},
		`{"action":"ping","ref":"r","more":{"known":[1]}}`: {Action: "ping", Ref: "r"},
		`{"action":"ping","ref":"r","heads":{}}`:           {Action: "ping", Ref: "r", Heads: map[chat.Room]chat.Seq{}},
		`{"action":"ping","ref":"r","heads":{"lobby":0}}`:  {Action: "ping", Ref: "r", Heads: map[chat.Room]chat.Seq{"lobby": 0}},
		` { "action" : "typing", "room" : "ab" }`:          {Action: "typing", Room: "ab"},
		`{"action":"ping","ref":"r","heads":{"lobby":9007199254740991}}`: {
			Action: "ping",
			Ref:    "r",
			Heads:  map[chat.Room]chat.Seq{"lobby": maxSeq},
		},
		`{"action":"mark","room":"den","delivered":9007199254740991,"read":7}`: {
			Action:    "mark",
			Room:      "den",
			Delivered: maxSeq,
			Read:      7,
		},
	} {
		got, ref, err := frame.Parse(want.Action, []byte(body))
		if err != nil || ref != want.Ref || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, ref %q, error %v, want %+v", body, got, ref, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("r", chat.MaxRef+1)
	for _, test := range []struct {
		action, body string
		want         error
	}{
		{"ping", ``, chat.BadFrame},
		{"ping", `hello`, chat.BadFrame},
		{"ping", `[]`, chat.BadFrame},
		{"ping", `null`, chat.BadFrame},
		{"ping", `{"action":"typing","room":"den"}`, chat.BadFrame},
		{"ping", `{"action":"ping"} {}`, chat.BadFrame},
		{"ping", `{"action":"ping","action":"ping"}`, chat.BadFrame},
		{"ping", `{"action":"ping","ref":7}`, chat.BadFrame},
		{"ping", `{"action":"ping","ref":"` + long + `"}`, chat.BadFrame},
		{"ping", `{"action":"ping","ref":"\ud800"}`, chat.BadFrame},
		{"ping", "{\"action\":\"ping\",\"ref\":\"\xff\"}", chat.BadFrame},
		{"ping", `{"Action":"ping"}`, chat.BadFrame},
		{"ping", `{"action":"ping","heads":[]}`, chat.BadFrame},
		{"ping", `{"action":"ping","heads":{"lobby":-1}}`, chat.BadFrame},
		{"ping", `{"action":"ping","heads":{"lobby":9007199254740992}}`, chat.BadFrame},
		{"ping", `{"action":"ping","heads":{"No Room":1}}`, chat.BadFrame},
		{"ping", heads(chat.MaxRooms + 1), chat.BadFrame},
		{"handshake", `{"action":"handshake"}`, chat.BadFrame},
		{"handshake", `{"action":"handshake","user":"ada"}`, chat.VersionUnsupported},
		{"handshake", `{"action":"handshake","v":1,"user":"ada"}`, chat.VersionUnsupported},
		{"handshake", `{"action":"handshake","v":3,"user":"ada"}`, chat.VersionUnsupported},
		{"ping", `{"action":"ping"}`, chat.BadFrame},
		{"joinRoom", `{"action":"joinRoom","room":"den","ref":""}`, chat.BadFrame},
		{"handshake", `{"action":"handshake","user":"ada","proof":"x"}`, chat.BadFrame},
		{"handshake", `{"action":"handshake","v":2,"user":"A"}`, chat.NameInvalid},
		{"handshake", `{"action":"handshake","v":2,"user":"admin"}`, chat.NameInvalid},
		{"sendMessage", `{"action":"sendMessage"}`, chat.BadFrame},
		{"sendMessage", `{"action":"sendMessage","JWE":"x"}`, chat.BadFrame},
		{
			"sendMessage", `{"action":"sendMessage","jwe":"` + strings.Repeat("x", chat.MaxFrame) + `"}`,
			chat.FrameTooLarge,
		},
		{"history", `{"action":"history"}`, chat.BadFrame},
		{"history", `{"action":"history","room":"x"}`, chat.RoomInvalid},
		{"history", `{"action":"history","room":"lobby","after":-1}`, chat.BadFrame},
		{"history", `{"action":"history","room":"lobby","after":1.5}`, chat.BadFrame},
		{"history", `{"action":"history","room":"lobby","after":9007199254740992}`, chat.BadFrame},
		{"history", `{"action":"history","room":"lobby","limit":101}`, chat.BadFrame},
		{"history", `{"action":"history","room":"lobby","limit":-1}`, chat.BadFrame},
		{"joinRoom", `{"action":"joinRoom"}`, chat.BadFrame},
		{"joinRoom", `{"action":"joinRoom","room":"No Room"}`, chat.RoomInvalid},
		{"leaveRoom", `{"action":"leaveRoom","room":7}`, chat.BadFrame},
		{"rotateKey", `{"action":"rotateKey"}`, chat.BadFrame},
		{"revokeDevice", `{"action":"revokeDevice"}`, chat.BadFrame},
		{"presence", `{"action":"presence"}`, chat.BadFrame},
		{"presence", `{"action":"presence","room":"No Room"}`, chat.RoomInvalid},
		{"typing", `{"action":"typing"}`, chat.BadFrame},
		{"typing", `{"action":"typing","room":"x"}`, chat.RoomInvalid},
		{"mark", `{"action":"mark","delivered":1,"read":1}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":1,"read":2}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":-1,"read":-2}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":1,"read":-1}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":1.5,"read":1}`, chat.BadFrame},
		{"mark", `{"action":"mark","room":"lobby","delivered":9007199254740992,"read":1}`, chat.BadFrame},
	} {
		got, _, err := frame.Parse(test.action, []byte(test.body))
		if got != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: got %+v and error %v, want %v", test.body, got, err, test.want)
		}
	}
	if _, _, err := frame.Parse("ping", []byte(heads(chat.MaxRooms))); err != nil {
		t.Errorf("a ping for %d rooms: got error %v, want none", chat.MaxRooms, err)
	}
}

// TestRefOfARefusedFrame wants the ref of a frame wherever it can be read, so
// that the error frame can carry it.
func TestRefOfARefusedFrame(t *testing.T) {
	for body, want := range map[string]string{
		`{"action":"ping","ref":"r","heads":{"lobby":-1}}`: "r",
		`{"action":"typing","ref":"r"}`:                    "r",
		`{"action":"ping","ref":"r"`:                       "",
	} {
		if _, ref, err := frame.Parse("ping", []byte(body)); ref != want || err == nil {
			t.Errorf("%s: got ref %q and error %v, want ref %q and an error", body, ref, err, want)
		}
	}
}

func TestRef(t *testing.T) {
	for body, want := range map[string]struct {
		ref     string
		isFrame bool
	}{
		`{"action":"dance","ref":"r"}`: {"r", true},
		`{"action":"dance"}`:           {"", true},
		`{"ref":"r"}`:                  {},
		`{"action":7,"ref":"r"}`:       {},
		`{}`:                           {},
		`hello`:                        {},
		`{"action":"dance","ref":"` + strings.Repeat("r", chat.MaxRef+1) + `"}`: {},
		`{"action":"dance","x":"` + strings.Repeat("r", chat.MaxFrame) + `"}`:   {},
		`{"action":"dance","ref":"` + strings.Repeat("\u00e9", chat.MaxRef) +
			`"}`: {strings.Repeat("\u00e9", chat.MaxRef), true},
	} {
		if ref, isFrame := frame.Ref([]byte(body)); ref != want.ref || isFrame != want.isFrame {
			t.Errorf("%.60s: got %q, %v, want %q, %v", body, ref, isFrame, want.ref, want.isFrame)
		}
	}
}
