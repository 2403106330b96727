package terminal

import (
	"hash/fnv"

	"charm.land/lipgloss/v2"

	"github.com/sotto-chat/sotto/shared/chat"
)

// styles are how things look. Colours only ever repeat what a mark or a word
// says already, so nothing is lost without them.
type styles struct {
	bar     lipgloss.Style // title and status
	faint   lipgloss.Style // times, day lines, rules
	strong  lipgloss.Style
	warning lipgloss.Style // new devices, failures, no connection
	unread  lipgloss.Style
	current lipgloss.Style // the room that is shown
	code    lipgloss.Style // QR codes
	names   []lipgloss.Style
}

// newStyles makes the styles; without colours there is only bold, faint and
// reverse (https://no-color.org speaks of colour alone).
func newStyles(colours bool) styles {
	plain := lipgloss.NewStyle()
	s := styles{
		bar:     plain.Reverse(true),
		faint:   plain.Faint(true),
		strong:  plain.Bold(true),
		warning: plain.Bold(true),
		unread:  plain.Bold(true),
		current: plain.Reverse(true),
		names:   []lipgloss.Style{plain.Bold(true)},
	}
	if !colours {
		return s
	}
	// The sixteen colours that people choose for their terminals themselves,
	// and of these none that is hard to read on a light or on a dark ground.
	s.warning = s.warning.Foreground(lipgloss.Red)
	s.unread = s.unread.Foreground(lipgloss.Green)
	s.code = plain.Foreground(lipgloss.BrightWhite).Background(lipgloss.Black)
	s.names = nil
	for _, c := range []lipgloss.Style{plain.Foreground(lipgloss.Blue), plain.Foreground(lipgloss.Magenta),
		plain.Foreground(lipgloss.Cyan), plain.Foreground(lipgloss.Green)} {
		s.names = append(s.names, c.Bold(true))
	}
	return s
}

// name is the style of a user, the same wherever the user appears.
func (s styles) name(user chat.User) lipgloss.Style {
	h := fnv.New32a()
	_, _ = h.Write([]byte(user))
	return s.names[h.Sum32()%uint32(len(s.names))]
}
