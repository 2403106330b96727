package terminal

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"rsc.io/qr"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// has checks that the screen shows the texts, and lacks that it does not.
func (d *desk) has(texts ...string) {
	d.Helper()
	for _, text := range texts {
		if !strings.Contains(d.screen(), text) {
			d.Errorf("the screen does not show %q:\n%s", text, d.screen())
		}
	}
}

func (d *desk) lacks(texts ...string) {
	d.Helper()
	for _, text := range texts {
		if strings.Contains(d.screen(), text) {
			d.Errorf("the screen shows %q:\n%s", text, d.screen())
		}
	}
}

// calls returns the calls of one kind so far.
func (d *desk) calls(kind string) (calls []string) {
	for _, c := range d.service.calls {
		if strings.HasPrefix(c, kind) {
			calls = append(calls, c)
		}
	}
	return calls
}

// TestMessagesAreSentOneByOne checks that the order of writing is kept, even if
// one message takes long.
func TestMessagesAreSentOneByOne(t *testing.T) {
	d := talk(t, 80, 24)
	d.press("one", "enter", "two", "enter")
	if got := d.calls("send"); !slices.Equal(got, []string{`send lobby "one"`}) {
		t.Fatalf("before the first message is stored: calls %q, want one", got)
	}
	// The message itself overtakes its ack.
	own := message(4, "ada", at(14, 3), "one")
	d.give(arrivedMsg{own})
	d.give(sentMsg{room: chat.Lobby, draft: 1, ack: client.Ack{Room: chat.Lobby, Epoch: epoch, Seq: 4}})
	if got := d.calls("send"); len(got) != 2 {
		t.Fatalf("after the first message: calls %q, want two", got)
	}
	d.give(sentMsg{
		room:  chat.Lobby,
		draft: 2,
		ack:   client.Ack{Room: chat.Lobby, Epoch: epoch, Seq: 6},
	}) // seq 5 is from another user
	d.give(arrivedMsg{message(5, "bob", at(14, 3), "between")}, arrivedMsg{message(6, "ada", at(14, 3), "two")})
	if n := strings.Count(d.screen(), "two"); n != 1 || d.unsent() != 0 {
		t.Errorf("the second text is shown %d times, %d unsent; want 1, 0:\n%s", n, d.unsent(), d.screen())
	}
	if s := d.screen(); strings.Index(s, "one") > strings.Index(s, "between") ||
		strings.Index(s, "between") > strings.LastIndex(s, "two") {
		t.Errorf("the messages are out of order:\n%s", s)
	}
}

// TestAFailedMessage sends a failed message again and discards it.
func TestAFailedMessage(t *testing.T) {
	d := talk(t, 80, 24)
	d.press("one", "enter")
	d.give(sentMsg{room: chat.Lobby, draft: 1, err: chat.RateLimited})
	d.has("!! one", "not sent: ")
	d.press("ctrl+c") // would lose the message
	if len(d.calls("quit")) != 0 {
		t.Fatal("ctrl+c quits without a warning")
	}
	d.has("not sent yet")
	d.press("tab", "r")
	d.has(".. one")
	d.give(sentMsg{room: chat.Lobby, draft: 1, err: chat.RateLimited})
	d.press("tab", "x")
	d.lacks("one")
	if got := d.calls("send"); len(got) != 2 {
		t.Errorf("sent: %q, want two calls", got)
	}
	d.press("ctrl+c")
	if len(d.calls("quit")) != 1 {
		t.Error("the second ctrl+c does not quit")
	}
}

// TestScrollingUpReadsTheHistory checks also that the position stays while
// messages arrive.
func TestScrollingUpReadsTheHistory(t *testing.T) {
	d := newDesk(t, 80, 24)
	var recent, older []client.Message
	for seq := chat.Seq(61); seq <= 110; seq++ {
		recent = append(recent, message(seq, "bob", at(12, 0), fmt.Sprintf("text %03d", seq)))
	}
	for seq := chat.Seq(11); seq <= 60; seq++ {
		older = append(older, message(seq, "bob", at(11, 0), fmt.Sprintf("text %03d", seq)))
	}
	d.room().head = 110
	d.give(olderMsg{room: chat.Lobby, epoch: epoch, messages: recent})
	d.has("text 110")
	for range 3 {
		d.press("pgup")
	}
	d.lacks("text 110")
	d.has("newer messages below")
	if got := d.calls("older lobby 61"); len(got) != 0 {
		t.Fatalf("the history is requested too early: %q", d.service.calls)
	}
	for range 8 {
		d.press("pgup")
	}
	if got := d.calls("older lobby"); !slices.Equal(got, []string{"older lobby 61 50"}) {
		t.Fatalf("requested: %q, want one page before 61", got)
	}
	before := d.screen()
	d.give(arrivedMsg{message(111, "bob", at(14, 3), "text 111")})
	if counted := strings.Replace(before, ">lobby            ", ">lobby          1 ", 1); d.screen() != counted {
		t.Errorf("a new message moves the screen:\n%s\nwant\n%s", d.screen(), counted)
	}
	d.give(olderMsg{room: chat.Lobby, epoch: epoch, messages: older})
	d.has("text 061")
	d.press("pgup", "pgup")
	d.has("text 055")
	d.give(tea.WindowSizeMsg{Width: 70, Height: 18})
	d.fits()
	d.give(tea.WindowSizeMsg{Width: 80, Height: 24})
	for range 30 {
		d.press("pgdown")
	}
	d.has("text 111")
	d.lacks("newer messages below")
	for range 30 {
		d.press("tab", "up", "up", "up") // tab switches the mode
	}
	d.fits()
}

// TestUnreadCounts checks the counts of messages in other rooms.
func TestUnreadCounts(t *testing.T) {
	d := talk(t, 80, 24)
	for seq := range chat.Seq(3) {
		m := message(seq+1, "bob", at(14, 2), "soup")
		m.Room = "kitchen"
		d.give(arrivedMsg{m})
	}
	d.has("kitchen        3 ")
	d.give(eventMsg{client.Mark{Room: "kitchen", User: "ada", Delivered: 9, Read: 1}}) // on another device
	d.has("kitchen        2 ")
	d.press("ctrl+p")
	d.has(">kitchen", "soup")
	d.lacks("kitchen        3")
	if got := d.calls("read kitchen 3"); len(got) == 0 {
		t.Errorf("got %q, want a call that stores seq 3", d.calls("read"))
	}
	d.press("ctrl+n", "alt+1")
	d.has(">builds")
}

// TestRooms joins and leaves rooms, and is refused.
func TestRooms(t *testing.T) {
	d := talk(t, 80, 24)
	d.press("/join A!", "enter")
	d.has("not a valid room name")
	d.press("/join Den ", "enter")
	d.give(joinedMsg{room: "den", state: frame.RoomState{Room: "den", Epoch: "e2"}})
	d.has(">den", "no messages yet", "you joined den; nobody has written in it yet")
	d.press("/leave", "enter")
	d.give(leftMsg{room: "den"})
	d.has(">lobby", "you have left den; /join den enters it again")
	d.lacks(">den")
	d.press("/leave", "enter")
	d.has("the lobby cannot be left")
	d.give(joinedMsg{room: "old", state: frame.RoomState{Room: "old", Epoch: "e3", Head: 7}})
	d.has(">old", "you joined old")
	d.lacks("nobody has written")
	d.press("/join none", "enter")
	d.give(joinedMsg{room: "none", err: chat.RoomInvalid})
	d.has("there is no open room none; /create none open creates it")
	d.give(joinedMsg{room: "full", err: chat.TooManyRooms})
	d.has("at most 50 rooms")
	d.press("/dance now", "enter")
	d.has("unknown command /dance", "> /dance now") // the text is kept
	d.press("ctrl+u", "//slash", "enter")
	if got := d.calls("send"); !slices.Equal(got, []string{`send old "/slash"`}) {
		t.Errorf("sent: %q, want /slash", got)
	}
	if got := d.calls("join"); !slices.Equal(got, []string{"join den", "join none"}) {
		t.Errorf("joined: %q, want den", got)
	}
}

func TestSafetyNames(t *testing.T) {
	d := talk(t, 80, 24)
	d.press("/safety", "enter")
	d.has("add a user: /safety USER")
	d.press("/safety b!", "enter")
	d.has(`"b!" is not a valid user name`)
	d.press("/safety ADA", "enter")
	d.has("a safety number compares you with another user")
	const key = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
	number, err := envelope.SafetyNumber(envelope.Party{User: "ada", Devices: []string{key}},
		envelope.Party{User: "bob", Devices: []string{key}})
	if err != nil {
		t.Fatal(err)
	}
	for code, says := range map[string]string{
		number.Text():       "the numbers are the same",
		number.Text() + "x": "not the code of a safety number",
		strings.Replace(number.Text(), "bob", "carol", 1): "the code of other users",
		number.Text()[:len(number.Text())-43] + key:       "the numbers are different",
	} {
		d.give(safetyMsg{user: "bob", code: code, safety: client.Safety{Safety: number}})
		d.has(says)
		d.press("esc")
	}
	d.press("/safety Bob", "enter")
	if got := d.calls("safety"); !slices.Equal(got, []string{"safety bob"}) {
		t.Errorf("compared with: %q, want bob", got)
	}
}

// TestANewEpoch checks that the log starts over and drafts are kept.
func TestANewEpoch(t *testing.T) {
	d := talk(t, 80, 24)
	d.press("mine", "enter")
	m := message(1, "carol", at(14, 3), "all new")
	m.Epoch = "e2"
	d.give(arrivedMsg{m})
	d.has("all new", ".. mine")
	d.lacks("hello ada")
	d.give(olderMsg{
		room:     chat.Lobby,
		epoch:    epoch,
		messages: []client.Message{message(1, "bob", at(13, 0), "late page of the old log")},
	})
	d.lacks("late page")
}

// TestTheConnection checks the status while the connection is lost.
func TestTheConnection(t *testing.T) {
	d := talk(t, 80, 24)
	d.give(connectionMsg{client.Notice{Err: errors.New("x"), Wait: 2 * time.Second}})
	d.has("no connection, next attempt in 2s")
	d.clock = d.clock.Add(3 * time.Second)
	d.has("no connection, reconnecting")
	d.give(connectionMsg{client.Notice{Connected: true}})
	d.has(" connected")
}

// TestWhoIsHere checks who counts: the user, those of the last answer, and
// those who have typed or written since. Without a connection it is unknown.
func TestWhoIsHere(t *testing.T) {
	d := talk(t, 80, 24)
	present := func(users ...chat.User) presenceMsg {
		return presenceMsg{room: chat.Lobby, Presence: client.Presence{Room: chat.Lobby, Users: users}}
	}
	d.give(present("ada"))
	d.has("nobody else is here")
	d.give(present("ada", "bob"))
	d.has("2 here: bob and you")
	d.give(eventMsg{client.Typing{Room: chat.Lobby, User: "carol"}}, arrivedMsg{message(9, "carol", at(14, 3), "hi")})
	d.has("3 here: bob, carol and you")
	d.give(connectionMsg{client.Notice{Err: errors.New("x"), Wait: 2 * time.Second}})
	d.lacks("here:")
	d.give(present("ada", "bob"), eventMsg{client.Presence{Room: chat.Lobby, Users: []chat.User{"ada", "bob"}}})
	d.lacks("here:") // an answer of the old connection
	d.give(connectionMsg{client.Notice{Connected: true}})
	d.lacks("here:", "nobody else")
	d.give(present("ada", "bob"))
	d.has("2 here: bob and you")
}

// TestMarksAreKept checks that the next start shows the marks, for the same log
// only.
func TestMarksAreKept(t *testing.T) {
	d := newDesk(t, 80, 24)
	d.give(eventMsg{client.Mark{Room: chat.Lobby, User: "bob", Delivered: 3, Read: 2}}, tickMsg{}, tickMsg{})
	if got := d.calls("keep"); len(got) != 1 {
		t.Errorf("stored %q, want the marks once", got)
	}
	kept := d.allMarks()
	want := []Marks{{Room: chat.Lobby, Epoch: epoch, Users: []UserMark{{User: "bob", Delivered: 3, Read: 2}}}}
	if !reflect.DeepEqual(kept, want) {
		t.Fatalf("stored %+v, want %+v", kept, want)
	}
	for log, want := range map[chat.Epoch]int{epoch: 1, "e2": 0} {
		r := newRoom(frame.RoomState{Room: chat.Lobby, Epoch: log, Head: 3}, 3)
		r.restore(kept[0])
		if got := r.readers("ada", 2); len(got) != want {
			t.Errorf("in the log %s %v have read message 2, want %d users", log, got, want)
		}
		r.event(client.Mark{Room: chat.Lobby, User: "bob", Delivered: 2, Read: 1}, d.clock) // a lower one
		if got := r.readers("ada", 2); len(got) != want {
			t.Errorf("after a lower mark in the log %s %v have read message 2, want %d users", log, got, want)
		}
	}
}

func TestTypingEnds(t *testing.T) {
	d := talk(t, 80, 24)
	d.give(eventMsg{client.Typing{
		Room: chat.Lobby,
		User: "carol",
	}}, eventMsg{client.Typing{
		Room: chat.Lobby,
		User: "bob",
	}})
	d.has("bob, carol are typing")
	d.give(arrivedMsg{message(4, "bob", at(14, 3), "done")})
	d.has("carol is typing")
	d.clock = d.clock.Add(client.TypingShown)
	d.lacks("typing")
	d.press("x")
	if len(d.calls("typing lobby")) == 0 {
		t.Error("no typing hint was sent")
	}
}

// TestHostileTexts checks that no text writes escape sequences.
func TestHostileTexts(t *testing.T) {
	texts := []string{
		"\x1b[2J\x1b]0;title\a\u009b31mred\x9c", "\u202egnp.exe\u2066x\u2069", "a\rb\x00\x7f\b\b",
		"one\n  bob  13:58\n    in his name", "tab\tstop",
		strings.Repeat("x", chat.MaxBody), strings.Repeat("👩‍👩‍👧‍👦", 500),
		strings.Repeat("e\u0301\u200d", 900), "\u2028line\u2029paragraph", "\u200b\u200d\ufeff", "",
		strings.Repeat("\n", 100), strings.Repeat("日", 5000), "\xff\xfe not UTF-8",
	}
	for i, text := range texts {
		d := talk(t, 80, 24)
		m := message(4, "bob", at(14, 2), text)
		d.give(arrivedMsg{m})
		d.safe(text)
		d.press("tab", "enter") // its details
		d.safe(text)
		d.press("esc", "esc")
		d.give(tea.PasteMsg{Content: text})
		d.safe(text)
		if i == 0 {
			d.has(`\x1b[2J\x1b]0;title\a\u009b31mred`)
		}
	}
	d := talk(t, 80, 24)
	d.give(arrivedMsg{client.Message{Room: chat.Lobby, Epoch: epoch, Seq: 4, Problem: errors.New("\x1b[2Jforged")}})
	d.has("cannot be shown")
	d.safe("a problem")
}

// safe checks that all escape sequences on the screen set a style.
func (d *desk) safe(text string) {
	d.Helper()
	d.fits()
	content := d.View().Content
	for i, r := range content {
		if r == '\x1b' {
			end := strings.IndexFunc(content[i+2:], func(r rune) bool { return r != ';' && (r < '0' || r > '9') })
			if content[i+1] != '[' || content[i+2+end] != 'm' {
				d.Fatalf("%.40q writes %q", text, content[i:min(i+20, len(content))])
			}
			continue
		}
		if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0) || r >= 0x202a && r <= 0x202e ||
			r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029 {
			d.Fatalf("%.40q writes %q", text, r)
		}
	}
}

// TestColours checks that there are colours only if they are switched on.
func TestColours(t *testing.T) {
	coloured := func(s string) bool { return strings.Contains(s, "\x1b[1;3") || strings.Contains(s, "\x1b[3") }
	d := talk(t, 80, 24)
	if content := d.View().Content; coloured(content) {
		t.Errorf("got colours, want none: %q", content)
	}
	d.Model.styles = newStyles(true)
	d.room().timeline.touch()
	if content := d.View().Content; !coloured(content) {
		t.Errorf("got no colours: %q", content)
	}
}

// TestComposer edits by graphemes and exceeds the limit.
func TestComposer(t *testing.T) {
	d := talk(t, 80, 24)
	text := func(want string) {
		t.Helper()
		if got := d.room().composer.text; got != want {
			t.Errorf("the text is %q, want %q", got, want)
		}
	}
	d.give(tea.PasteMsg{Content: "a👩‍💻e\u0301 word"})
	d.press("home", "right", "right", "backspace")
	text("ae\u0301 word")
	d.press("delete")
	text("a word")
	d.press("end", "ctrl+w", "x", "ctrl+left", "<")
	text("a <x")
	d.press("alt+enter", "up", "home", ">")
	text(">a <\nx")
	d.press("down", "end", "!")
	text(">a <\nx!")
	d.press("ctrl+u")
	text(">a <\n")
	d.press("enter")
	if got := d.calls("send"); !slices.Equal(got, []string{`send lobby ">a <\n"`}) {
		t.Errorf("sent: %q, want one text", got)
	}
	d.give(tea.PasteMsg{Content: strings.Repeat("x", chat.MaxBody)})
	d.has("16384/16384")
	d.press("y")
	d.has("too long by 1")
	d.fits()
	if at := d.View().Cursor; at == nil || at.X >= 80 || at.Y >= 23 {
		t.Errorf("the cursor is at %v, want it on the screen", at)
	}
}

// TestWidths checks that a terminal that measures graphemes gets other lines.
func TestWidths(t *testing.T) {
	d := talk(t, 80, 24)
	d.give(arrivedMsg{message(4, "bob", at(14, 2), strings.Repeat("👩‍💻", 100))})
	before := d.screen()
	d.give(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeReset})
	if d.screen() == before {
		t.Error("the lines are the same after the terminal has reported mode 2027")
	}
	d.fits()
}

// TestMouse scrolls, and opens rooms.
func TestMouse(t *testing.T) {
	d := talk(t, 80, 24)
	d.give(tea.MouseClickMsg{X: 3, Y: 1, Button: tea.MouseLeft})
	d.has(">builds")
	d.give(tea.MouseClickMsg{
		X:      3,
		Y:      20,
		Button: tea.MouseLeft,
	}, tea.MouseWheelMsg{
		X:      30,
		Y:      5,
		Button: tea.MouseWheelUp,
	})
	d.has(">builds")
}

// TestQRCodes compares each module.
func TestQRCodes(t *testing.T) {
	const text = "sotto:safety?a=ada&b=bob&hash=ZYnNhFP_RnbgM634B6_OnCatC-2rxyc7lJcFsPub5L0"
	want, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	lines := drawQR(text, 60, newStyles(false).code)
	for y := range want.Size {
		row := []rune(lines[(y+2)/2])
		for x := range want.Size {
			light := row[x+2] == '█' || row[x+2] == '▀' && y%2 == 0 || row[x+2] == '▄' && y%2 == 1
			if light == want.Black(x, y) {
				t.Fatalf("module %d,%d has the wrong colour in\n%s", x, y, strings.Join(lines, "\n"))
			}
		}
	}
	if lines = drawQR(text, 36, newStyles(false).code); len(lines) != 1 {
		t.Errorf("in 36 columns: %q, want one line", lines)
	}
}
