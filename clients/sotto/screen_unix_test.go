//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/sotto-chat/sotto/clients/sotto/terminal/screentest"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
)

// onTerminal starts `sotto chat` on a terminal of 80 by 24.
func onTerminal(t *testing.T, env []string, args ...string) *screentest.Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"chat"}, args...)...)
	cmd.Args[0] = "sotto" // makes this binary the program (TestMain)
	cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "GORACE=atexit_sleep_ms=0"), env...)
	return screentest.Start(t, cmd, 80, 24)
}

// TestOnATerminal runs a conversation of two people, each on a terminal.
func TestOnATerminal(t *testing.T) {
	t.Parallel()
	s := clienttest.New(t)
	dir := filepath.Join(t.TempDir(), "p")
	common := []string{"--url", s.URL, "--profile", dir}
	ada := onTerminal(t, nil, append(common, "--user", "ada", "--mouse")...)
	ada.Until(`sotto  lobby  ada@[^\n]*F1 help\n>lobby`)
	ada.Until(`nobody else is here`)
	ada.Until(`Messages are deleted after 30 days`)
	ada.Until(`The operator can read`)
	bob := onTerminal(t, []string{"NO_COLOR=1"}, append(common, "--user", "bob")...)
	bob.Until(`here: ada`)
	ada.Type("hello \x1b[200~two\nlines\x1b[201~")
	ada.Until(`> hello two\n +│  lines`)
	bob.Until(`ada is typing`)
	ada.Type("\r")
	bob.Until(`ada  \d\d:\d\d\n +│    hello two\n +│    lines`)
	ada.Until(`✓✓ hello two\n +│    lines\n +│    read by bob`)
	bob.Until(`2 here: ada and you`)

	// A text with escape sequences.
	if code, _, stderr := invoke(t, "\x1b[2J\x1b[31mred\a \u202eturned",
		append([]string{"send", "--user", "mallory", "-"}, common...)...); code != 0 {
		t.Fatal(stderr)
	}
	bob.Until(`\\x1b\[2J\\x1b\[31mred\\a \\u202eturned`)
	if raw := bob.Raw(); strings.Contains(raw, "\x1b[31m") || strings.Contains(raw, "\u202e") {
		t.Error("the text reaches the terminal unescaped")
	}

	ada.Type("/create den open\r")
	ada.Until(`sotto  den[^\n]*\n>den`)
	bob.Type("to the lobby\r")
	ada.Until(`lobby +1 │`)
	ada.SetSize(50, 16)
	ada.Until(`\(1 unread elsewhere\)`)
	ada.SetSize(20, 5)
	ada.Until(`20×5 is too small`)
	ada.SetSize(80, 24)
	ada.Type("\x10") // Ctrl-P
	ada.Until(`>lobby[^\n]*`)
	ada.Until(`to the lobby`)
	ada.Type("/safety bob\r")
	ada.Until(`safety number with bob[^\n]*\n[^\n]*│ +\d{5}  \d{5}  \d{5}\n[^\n]*│ +\d{5}  \d{5}  \d{5}`)
	ada.Type("\x1b[6~")
	ada.Until(`▄▄▄▄▄`)
	ada.Type("q\t\r")
	ada.Until(`about this message[^\n]*\n[^\n]*from +bob\n`)
	ada.Type("q")

	s.Disconnect()
	bob.Type("after all\r")
	ada.Until(`bob  \d\d:\d\d\n[^›]*after all`)
	ada.Type("\x03")
	bob.Type("/quit\r")
	if a, b := ada.Ended(), bob.Ended(); a != 0 || b != 0 {
		t.Errorf("exit codes %d, %d; want 0, 0", a, b)
	}
	colour := regexp.MustCompile(`\x1b\[(\d+;)*[34][0-8](;\d+)*m`)
	if colour.MatchString(bob.Raw()) || !colour.MatchString(ada.Raw()) {
		t.Error("want no colours with NO_COLOR, and colours without")
	}
	if log := s.Log(chat.Lobby); len(log) != 4 {
		t.Errorf("the log has %q, want 4 texts", log)
	}

	// A message that arrives while bob is away is unread at his next start.
	if code, _, stderr := invoke(t, "", append([]string{"send", "--user", "mallory", "are you there?"},
		common...)...); code != 0 {
		t.Fatal(stderr)
	}
	bob = onTerminal(t, nil, append(common, "--user", "bob", "--room", "den")...)
	bob.Until(`lobby +1 │`)
	bob.Type("\x1b2") // Alt-2
	bob.Until(`>lobby {12}`)
	bob.Until(`are you there\?`)
	bob.Type("\x04")
	if code := bob.Ended(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}

	// Bob's mark is kept, although he is away now.
	ada = onTerminal(t, nil, append(common, "--user", "ada")...)
	ada.Until(`✓✓ hello two\n +│    lines\n +│    read by bob`)
	ada.Until(`nobody else is here`)
	ada.Type("\x04")
	if code := ada.Ended(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestExit ends the program in every way and checks its exit code.
func TestExit(t *testing.T) {
	t.Parallel()
	s := clienttest.New(t)
	dir := filepath.Join(t.TempDir(), "p")
	common := []string{"--url", s.URL, "--profile", dir, "--user", "ada"}
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		p := onTerminal(t, nil, common...)
		p.Until(`>lobby`)
		p.Signal(signal)
		if code := p.Ended(); code != 0 {
			t.Errorf("%s: exit code %d, want 0", name, code)
		}
	}
	// The service refuses the client while it runs.
	p := onTerminal(t, nil, common...)
	p.Until(`>lobby`)
	s.ReplaceServiceKey()
	s.Disconnect()
	if code := p.Ended(); code != 1 {
		t.Errorf("another service key: exit code %d, want 1", code)
	}
	p.Until(`sotto: .*service key`)

	// No service: one line, and no screen.
	s.Stop()
	p = onTerminal(t, nil, common...)
	if code := p.Ended(); code != 1 || strings.Contains(p.Raw(), "\x1b") {
		t.Errorf("exit code %d, %q; want 1 and no escape sequences", code, p.Raw())
	}
}

// TestLineMode tests the line mode on a terminal: with --plain, and with a
// terminal that cannot move its cursor.
func TestLineMode(t *testing.T) {
	t.Parallel()
	s := clienttest.New(t)
	dir := filepath.Join(t.TempDir(), "p")
	for _, c := range []struct{ env, flag string }{{"TERM=dumb", "--room=lobby"}, {"TERM=xterm", "--plain"}} {
		p := onTerminal(t, []string{c.env}, "--url", s.URL, "--profile", dir, "--user", "ada", c.flag)
		p.Until(`sotto: you are ada in lobby`)
		p.Type("hello\n")
		p.Until(`ada: hello`)
		p.Type("/quit\n")
		if code := p.Ended(); code != 0 || strings.Contains(p.Raw(), "\x1b") {
			t.Errorf("%v: exit code %d, %q; want 0 and no escape sequences", c, code, p.Raw())
		}
	}
}
