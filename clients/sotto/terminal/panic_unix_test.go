//go:build unix

package terminal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/sotto-chat/sotto/clients/sotto/terminal/screentest"
)

// faulty panics at the first key, in Update or in a command.
type faulty struct{ inCommand bool }

func (faulty) Init() tea.Cmd { return nil }

func (f faulty) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, pressed := msg.(tea.KeyPressMsg); pressed {
		if f.inCommand {
			return f, func() tea.Msg { panic("a fault") }
		}
		panic("a fault")
	}
	return f, nil
}

func (faulty) View() tea.View {
	v := tea.NewView("press a key")
	v.AltScreen, v.MouseMode = true, tea.MouseModeCellMotion
	return v
}

// TestAPanicRestoresTheTerminal runs itself on a terminal.
func TestAPanicRestoresTheTerminal(t *testing.T) {
	const variable = "SOTTO_TEST_FAULT"
	if where := os.Getenv(variable); where != "" {
		b := &bridge{ctx: t.Context()}
		err := b.show(faulty{inCommand: where == "command"}, Options{Input: os.Stdin, Output: os.Stdout})
		if errors.Is(err, ErrPanic) {
			fmt.Println("reported")
			os.Exit(3)
		}
		os.Exit(4)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"update", "command"} {
		cmd := exec.Command(self, "-test.run=^TestAPanicRestoresTheTerminal$")
		cmd.Env = append(os.Environ(), variable+"="+where, "TERM=xterm-256color", "GORACE=atexit_sleep_ms=0")
		p := screentest.Start(t, cmd, 80, 24)
		p.Until("press a key")
		if !p.Mode("?1049") || !p.Mode("?1002") {
			t.Error("the program did not switch to the alternate screen and the mouse")
		}
		p.Type("x")
		if code := p.Ended(); code != 3 || !strings.Contains(p.Raw(), "reported") {
			t.Errorf("%s: exit code %d, want 3 and a report:\n%s", where, code, p.Screen)
		}
	}
}
