package terminal

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

var update = flag.Bool("update", false, "write the golden screens")

const (
	adasKey  chat.Device = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
	bobsKey  chat.Device = "--6IM5l0OosLj9yWskISYhUA3n_3CURQkmrYMSha_ck"
	bobsNext chat.Device = "PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0"
)

// recorder is a service that records its calls. The test sends the answers.
type recorder struct{ calls []string }

func (r *recorder) record(format string, args ...any) {
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
}

func (r *recorder) Send(room chat.Room, text string) (client.Ack, error) {
	r.record("send %s %q", room, text)
	return client.Ack{}, nil
}

func (r *recorder) Older(room chat.Room, _ chat.Epoch, before chat.Seq, n int) ([]client.Message, bool, error) {
	r.record("older %s %d %d", room, before, n)
	return nil, false, nil
}

func (r *recorder) Join(room chat.Room) (frame.RoomState, error) {
	r.record("join %s", room)
	return frame.RoomState{Room: room}, nil
}

func (r *recorder) Leave(room chat.Room) error { r.record("leave %s", room); return nil }

func (r *recorder) Safety(user chat.User) (client.Safety, error) {
	r.record("safety %s", user)
	return client.Safety{}, nil
}

func (r *recorder) Run(roomcmd.Command, chat.Room, []string) (roomcmd.Result, *frame.RoomState, error) {
	return roomcmd.Result{}, nil, nil
}

func (r *recorder) Names() (map[chat.Room]chat.RoomName, error) { return nil, nil }

func (r *recorder) Invitations() ([]frame.Invitation, error) { return nil, nil }

func (r *recorder) Presence(room chat.Room) (client.Presence, error) {
	r.record("presence %s", room)
	return client.Presence{}, nil
}

func (r *recorder) Typing(room chat.Room) { r.record("typing %s", room) }

func (r *recorder) Read(p Place, delivered chat.Seq) {
	r.record("read %s %d %d", p.Room, p.Seq, delivered)
}

func (r *recorder) Keep(marks []Marks) { r.record("keep %v", marks) }

// desk is a model on a screen of a fixed size at a fixed time.
type desk struct {
	*testing.T
	*Model
	service *recorder
	clock   time.Time
}

const epoch chat.Epoch = "e1"

func newDesk(t *testing.T, width, height int) *desk {
	zone := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = zone })
	d := &desk{T: t, service: &recorder{}, clock: time.Date(2026, 11, 22, 14, 3, 0, 0, time.UTC)}
	rooms := []frame.RoomState{
		{
			Room:  "builds",
			Epoch: epoch,
			Head:  12,
			Floor: 1,
		}, {
			Room:  "kitchen",
			Epoch: epoch,
		}, {
			Room:  chat.Lobby,
			Epoch: epoch,
			Head:  3,
			Floor: 1,
		},
	}
	read := func(state frame.RoomState) chat.Seq { return state.Head * 3 / 4 }
	o := Options{Address: "127.0.0.1:4566/local", Describe: func(err error) string { return err.Error() }}
	d.Model = newModel(o, d.service, account{"ada", adasKey}, rooms, read, chat.Lobby)
	d.Model.now = func() time.Time { return d.clock }
	d.Init()
	d.give(tea.WindowSizeMsg{Width: width, Height: height})
	return d
}

// give passes events to the model and runs its commands. It ignores their
// results and the clock.
func (d *desk) give(msgs ...tea.Msg) {
	for _, msg := range msgs {
		_, cmd := d.Update(msg)
		d.carryOut(cmd)
	}
}

func (d *desk) carryOut(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, cmd := range msg {
			d.carryOut(cmd)
		}
	case tea.QuitMsg:
		d.service.record("quit")
	}
}

// press types keys, by name, or texts.
func (d *desk) press(keys ...string) {
	named := map[string]tea.Key{
		"enter": {Code: tea.KeyEnter}, "tab": {Code: tea.KeyTab}, "esc": {Code: tea.KeyEscape},
		"up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown},
		"left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "home": {Code: tea.KeyHome},
		"end":       {Code: tea.KeyEnd},
		"backspace": {Code: tea.KeyBackspace}, "delete": {Code: tea.KeyDelete},
		"pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown}, "f1": {Code: tea.KeyF1},
		"alt+enter": {
			Code: tea.KeyEnter,
			Mod:  tea.ModAlt,
		}, "ctrl+c": {
			Code: 'c',
			Mod:  tea.ModCtrl,
		}, "ctrl+d": {
			Code: 'd',
			Mod:  tea.ModCtrl,
		},
		"ctrl+n": {
			Code: 'n',
			Mod:  tea.ModCtrl,
		}, "ctrl+p": {
			Code: 'p',
			Mod:  tea.ModCtrl,
		}, "ctrl+w": {
			Code: 'w',
			Mod:  tea.ModCtrl,
		},
		"ctrl+u": {
			Code: 'u',
			Mod:  tea.ModCtrl,
		}, "ctrl+left": {
			Code: tea.KeyLeft,
			Mod:  tea.ModCtrl,
		}, "ctrl+right": {
			Code: tea.KeyRight,
			Mod:  tea.ModCtrl,
		},
		"alt+1": {Code: '1', Mod: tea.ModAlt},
	}
	for _, k := range keys {
		if key, ok := named[k]; ok {
			d.give(tea.KeyPressMsg(key))
			continue
		}
		for _, r := range k {
			d.give(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

// at returns a time on the day of the test.
func at(hour, minute int) time.Time { return time.Date(2026, 11, 22, hour, minute, 0, 0, time.UTC) }

// message returns a received message.
func message(seq chat.Seq, from chat.User, at time.Time, body string) client.Message {
	key := map[chat.User]chat.Device{"ada": adasKey, "bob": bobsKey, "carol": bobsNext}[from]
	return client.Message{
		Room:     chat.Lobby,
		Epoch:    epoch,
		Seq:      seq,
		ID:       chat.MessageID(fmt.Sprintf("01KA%022d", seq)),
		From:     from,
		Device:   key,
		StoredAt: at,
		Body:     body,
		Evidence: device.Evidence{
			SenderKey:  string(key),
			Verified:   true,
			ServerKey:  "s" + string(bobsNext[1:]),
			OpenedWith: "o" + string(bobsNext[1:]),
		},
	}
}

// talk returns a desk with some messages.
func talk(t *testing.T, width, height int) *desk {
	d := newDesk(t, width, height)
	d.give(
		olderMsg{room: chat.Lobby, epoch: epoch, top: true, messages: []client.Message{
			message(1, "ada", at(9, 0).AddDate(0, 0, -1), "hello, everybody"),
			message(2, "bob", at(13, 58), "hello ada\nhow are you?"),
			message(3, "bob", at(14, 1), "did you see the build?"),
		}},
		presenceMsg{
			room:     chat.Lobby,
			Presence: client.Presence{Room: chat.Lobby, Users: []chat.User{"ada", "bob", "carol"}},
		},
	)
	return d
}

// screen returns the text on the screen, without styles and trailing spaces.
func (d *desk) screen() string {
	lines := strings.Split(ansi.Strip(d.View().Content), "\n")
	for i, text := range lines {
		lines[i] = strings.TrimRight(text, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// golden compares the screen with a file in testdata.
func (d *desk) golden(name string) {
	d.Helper()
	d.fits()
	got, file := d.screen(), filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			d.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		d.Fatal(err)
	}
	if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		d.Errorf("the screen %s is\n%s\nwant\n%s", name, got, want)
	}
}

// fits checks that the lines are not too many or too long.
func (d *desk) fits() {
	d.Helper()
	lines := strings.Split(d.View().Content, "\n")
	if !d.tooSmall() && len(lines) != d.height {
		d.Errorf("the screen has %d lines, want %d", len(lines), d.height)
	}
	for _, text := range lines {
		if w := d.ruler.width(text); w > d.width && !d.tooSmall() {
			d.Errorf("a line has %d columns, want at most %d: %q", w, d.width, text)
		}
	}
}

func TestScreens(t *testing.T) {
	t.Run("talk", func(t *testing.T) { talk(t, 80, 24).golden("talk-80x24") })
	t.Run("narrow", func(t *testing.T) { talk(t, 44, 14).golden("talk-44x14") })
	t.Run("wide", func(t *testing.T) {
		d := talk(t, 120, 30)
		d.give(joinedMsg{
			room:  "a-room-whose-name-has-32-letters",
			state: frame.RoomState{Room: "a-room-whose-name-has-32-letters", Epoch: epoch},
		})
		d.press("alt+1")
		d.golden("talk-120x30")
	})
	t.Run("too small", func(t *testing.T) { talk(t, 30, 8).golden("small-30x8") })
	t.Run("help", func(t *testing.T) {
		d := talk(t, 80, 24)
		d.press("f1")
		d.golden("help")
		d.press("esc")
		d.golden("talk-80x24")
	})
	t.Run("own messages", func(t *testing.T) {
		d := talk(t, 80, 24)
		for _, text := range []string{"one", "two", "three", "four"} {
			d.press(text, "enter")
		}
		d.give(
			sentMsg{
				room:  chat.Lobby,
				draft: 1,
				ack:   client.Ack{Room: chat.Lobby, Epoch: epoch, Seq: 4, StoredAt: at(14, 3)},
			},
			sentMsg{
				room:  chat.Lobby,
				draft: 2,
				ack:   client.Ack{Room: chat.Lobby, Epoch: epoch, Seq: 5, StoredAt: at(14, 3)},
			},
			sentMsg{room: chat.Lobby, draft: 3, err: chat.RateLimited},
			eventMsg{client.Mark{Room: chat.Lobby, User: "bob", Delivered: 4, Read: 1}},
			eventMsg{client.Mark{Room: chat.Lobby, User: "carol", Delivered: 99, Read: 99}}, // above the head
			eventMsg{client.Typing{Room: chat.Lobby, User: "bob"}},
		)
		d.golden("own")
	})
	t.Run("new device", func(t *testing.T) {
		d := talk(t, 80, 24)
		m := message(4, "bob", at(14, 2), "it is me, honestly")
		m.Device, m.NewDevice = bobsNext, true
		d.give(arrivedMsg{m}, eventMsg{client.NewDevice{User: "bob", Device: bobsNext, Known: []chat.Device{bobsKey}}})
		d.golden("newdevice")
	})
	t.Run("details", func(t *testing.T) {
		d := talk(t, 80, 24)
		d.press("tab", "up", "enter")
		d.golden("details")
	})
	t.Run("safety number", func(t *testing.T) {
		d := talk(t, 80, 50)
		number, err := envelope.SafetyNumber(
			envelope.Party{
				User:    "ada",
				Devices: []string{string(adasKey)},
			}, envelope.Party{
				User:    "bob",
				Devices: []string{string(bobsKey)},
			})
		if err != nil {
			t.Fatal(err)
		}
		d.press("/safety bob", "enter")
		d.give(safetyMsg{
			user:   "bob",
			safety: client.Safety{Safety: number, Own: []chat.Device{adasKey}, Theirs: []chat.Device{bobsKey}},
		})
		d.golden("safety")
	})
	t.Run("no connection", func(t *testing.T) {
		d := talk(t, 80, 24)
		d.give(connectionMsg{client.Notice{Err: fmt.Errorf("gone"), Wait: 4 * time.Second}})
		d.press("later", "enter")
		d.golden("offline")
	})
	t.Run("wide characters", func(t *testing.T) {
		d := talk(t, 64, 20)
		d.give(arrivedMsg{message(4, "bob", at(14, 2), "日本語の文章はここで折り返されるはずです、二桁の幅の文字だからです。")})
		d.give(arrivedMsg{message(5, "bob", at(14, 2), "👩‍💻 e\u0301 🇩🇪 ☃️ عربي")})
		d.press("日本é")
		d.golden("wide")
	})
	t.Run("several lines", func(t *testing.T) {
		d := talk(t, 80, 24)
		d.press("first", "alt+enter", "second")
		d.give(tea.PasteMsg{Content: "\r\nthird\x1b[31m " + strings.Repeat("long ", 20)})
		d.golden("composer")
	})
}
