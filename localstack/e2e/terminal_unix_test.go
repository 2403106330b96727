//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sotto-chat/sotto/clients/sotto/terminal/screentest"
)

// TestTerminals runs two terminal clients on a stack that is killed and started
// again. A message that is sent while the stack is down is shown as pending,
// and arrives later.
func TestTerminals(t *testing.T) {
	needsProcess(t)
	t.Parallel()
	sotto, err := sottoBinary()
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{template: filepath.Join(root, "template.yaml"), data: t.TempDir()}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}()
	profile := filepath.Join(t.TempDir(), "profile")
	open := func(user string) *screentest.Program {
		cmd := exec.Command(sotto, "chat", "--user", user, "--url", s.webSocket, "--profile", profile)
		cmd.Env = append(os.Environ(), "TERM=xterm-256color")
		p := screentest.Start(t, cmd, 80, 24)
		p.Until(`sotto  lobby  ` + user + `@`)
		return p
	}
	ada, bob := open("ada"), open("bob")
	bob.Until(`here: ada`)
	ada.Type("hello")
	bob.Until(`ada is typing`)
	ada.Type("\r")
	bob.Until(`ada  \d\d:\d\d\n +│    hello\n`)
	ada.Until(`✓✓ hello\n +│    read by bob`)

	s.process.kill()
	ada.Until(`no connection`)
	bob.Until(`no connection`)
	ada.Type("while it is away\r")
	ada.Until(`\.\. while it is away`)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	bob.Until(`hello\n +│    while it is away\n`)
	ada.Until(`✓✓? +while it is away`)
	ada.Until(`\n connected`)

	// A client that starts again finds the history, and no unread message.
	bob.Type("\x04")
	if code := bob.Ended(); code != 0 {
		t.Errorf("bob: got exit code %d, want 0", code)
	}
	bob = open("bob")
	bob.Until(`hello\n +│    while it is away\n`)
	bob.Type("/quit\r")
	ada.Type("/quit\r")
	if a, b := ada.Ended(), bob.Ended(); a != 0 || b != 0 {
		t.Errorf("got the exit codes %d and %d, want 0", a, b)
	}
}
