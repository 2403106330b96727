package terminal

import (
	"hash/fnv"

	"charm.land/lipgloss/v2"

	"github.com/sotto-chat/sotto/shared/chat"
)

// styles are the styles of the screen. Colours only repeat what a mark or a
// word says, so the screen is complete without them.
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

// newStyles returns the styles. Without colours they are bold, faint and
// reverse, which https://no-color.org allows.
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
	// Use the sixteen colours that users can choose in their terminal, without
	// those that are hard to read on a light or a dark background.
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

// name returns the style of a user's name, always the same for one user.
func (s styles) name(user chat.User) lipgloss.Style {
	h := fnv.New32a()
	_, _ = h.Write([]byte(user))
	return s.names[h.Sum32()%uint32(len(s.names))]
}
