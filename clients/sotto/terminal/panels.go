package terminal

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"rsc.io/qr"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/envelope"
)

// panel is a text that is shown instead of the messages.
type panel interface {
	title() string
	// lines returns its lines, at most width columns wide.
	lines(m *Model, width int) []string
}

func (m *Model) show(p panel) { m.panel, m.above, m.notice = p, 0, "" }

// toggle shows a panel, or hides it if it is shown.
func (m *Model) toggle(p panel) tea.Cmd {
	if m.panel == p {
		m.panel = nil
	} else {
		m.show(p)
	}
	return nil
}

// helpPanel lists the keys and commands.
type helpPanel struct{}

func (helpPanel) title() string { return "help" }

func (helpPanel) lines(m *Model, width int) []string {
	var lines []string
	part := func(title string) {
		lines = append(lines, "", m.styles.strong.Render(title))
	}
	item := func(name, does string) {
		lines = append(lines, m.ruler.cut("  "+m.ruler.pad(name, 18)+" "+does, width))
	}
	for _, p := range []struct {
		title string
		keys  []binding
	}{{"Writing", writing}, {"With a selected message", selecting}, {"Everywhere", everywhere}} {
		part(p.title)
		for _, b := range p.keys {
			if b.name != "" {
				item(b.name, b.does)
			}
		}
	}
	item("Alt-1 … Alt-9", "open a room by its number")
	part("Commands")
	for _, s := range slashes {
		item(s.form, s.does)
	}
	part("Marks of your messages")
	item("..", "not stored yet; it is sent when there is a connection")
	item("✓", "stored")
	item("✓✓", "delivered to another user")
	item("!!", "not sent")
	return lines[1:]
}

// details shows what is known about one message.
type details struct {
	entry *entry
	room  *room
}

func (*details) title() string { return "about this message" }

func (d *details) lines(m *Model, width int) []string {
	e := d.entry
	var lines []string
	item := func(name, value string) {
		const column = 14
		for _, text := range m.ruler.wrap(value, max(width-column, 20)) {
			lines = append(lines, m.ruler.cut(m.styles.faint.Render(m.ruler.pad(name, column))+text, width))
			name = ""
		}
	}
	if e.Problem != nil {
		item("place", fmt.Sprintf("%s, %d", e.Room, e.Seq))
		item("problem", e.Problem.Error())
		return lines
	}
	item("from", string(e.From))
	item("sender's key", cmp.Or(string(e.Device), "unknown"))
	switch {
	case e.refusal != "":
		item("not sent", e.refusal)
		return lines
	case e.Seq == 0:
		item("state", "not stored yet")
		return lines
	}
	if e.Evidence.Verified {
		item("signature", "verified with that key, for this room and text")
		item("server key", cmp.Or(e.Evidence.ServerKey, "unknown"))
		item("", "the sender sealed the text to this key")
		item("your key", cmp.Or(e.Evidence.OpenedWith, "unknown"))
		item("", "the service sealed the text to this key of your device")
	}
	if e.NewDevice {
		item("", "This device was new: its key was not known before.")
	}
	item("place", fmt.Sprintf("%s, %d", e.Room, e.Seq))
	item("stored", e.StoredAt.Local().Format("Monday, 2 January 2006, 15:04:05"))
	item("id", string(e.ID))
	if e.From == m.me {
		item("delivered to", cmp.Or(names(d.room.receivers(m.me, e.Seq)), "not known"))
		item("read by", cmp.Or(names(d.room.readers(m.me, e.Seq)), "not known"))
	}
	lines = append(lines, "")
	for _, text := range m.ruler.wrap("The service could read the text: it opened it and sealed it again to your device. It cannot change the text or fake the signature. To verify that the key belongs to the sender, compare safety numbers (s, or /safety "+string(e.From)+").", width) {
		lines = append(lines, m.styles.faint.Render(text))
	}
	return lines
}

// comparison shows the safety number with a user.
type comparison struct {
	user   chat.User
	code   string // the text of the user's QR code, or empty
	safety client.Safety
}

func (c *comparison) title() string { return "safety number with " + string(c.user) }

func (c *comparison) lines(m *Model, width int) []string {
	groups := c.safety.Groups()
	lines := []string{
		"    " + m.styles.strong.Render(strings.Join(groups[:3], "  ")),
		"    " + m.styles.strong.Render(strings.Join(groups[3:], "  ")),
		"",
	}
	if c.code != "" {
		for _, text := range m.ruler.wrap(Verdict(c.safety, c.user, m.me, c.code), width) {
			lines = append(lines, m.styles.strong.Render(text))
		}
		lines = append(lines, "")
	}
	lines = append(lines, m.ruler.wrap(fmt.Sprintf("Ask %s to read out the number, in a call or in person. If it is the same, no one intercepts your messages. If not, one of you may not know all devices of the other yet: compare the keys below.", c.user), width)...)
	lines = append(lines, "")
	for _, of := range []struct {
		name    chat.User
		devices []chat.Device
	}{{m.me, c.safety.Own}, {c.user, c.safety.Theirs}} {
		for _, device := range of.devices {
			lines = append(lines, m.ruler.cut(m.styles.faint.Render(m.ruler.pad(string(of.name), 12))+" "+
				string(device), width))
		}
	}
	lines = append(lines, "")
	for _, text := range m.ruler.wrap(c.safety.Text(), width) {
		lines = append(lines, m.styles.faint.Render(text))
	}
	return append(lines, drawQR(c.safety.Text(), width, m.styles.code)...)
}

// Verdict compares the text of another user's QR code with the own number, and
// says in a sentence what that means.
func Verdict(safety client.Safety, other, me chat.User, code string) string {
	switch err := safety.Compare(code); {
	case err == nil:
		return fmt.Sprintf("the numbers are the same; you have the true keys of %s", other)
	case errors.Is(err, envelope.ErrSafetyText):
		return "this is not the code of a safety number; it starts with sotto:safety"
	case errors.Is(err, envelope.ErrSafetyUsers):
		return fmt.Sprintf("this is the code of other users; %s must open the safety number with %s", other, me)
	}
	return "the numbers are different; one of you may not know all devices of the other yet: send each other a message from every device, and compare again; if they stay different, someone may intercept your messages"
}

// drawQR draws a QR code with half blocks, two modules per character. It draws
// the light modules, which is correct on a dark terminal, and with colours
// (styles.code) on any terminal. Without colours the code is inverted on a
// light terminal; most scanners accept that, and the digits have the same
// content.
func drawQR(text string, width int, code lipgloss.Style) []string {
	drawn, err := qr.Encode(text, qr.L)
	if err != nil || drawn.Size+4 > width {
		return []string{"(the QR code needs a wider window)"}
	}
	const quiet = 2
	light := func(x, y int) bool { return !drawn.Black(x, y) } // also in the quiet zone
	var lines []string
	for y := -quiet; y < drawn.Size+quiet; y += 2 {
		var b strings.Builder
		for x := -quiet; x < drawn.Size+quiet; x++ {
			switch upper, lower := light(x, y), light(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		lines = append(lines, code.Render(b.String()))
	}
	return lines
}
