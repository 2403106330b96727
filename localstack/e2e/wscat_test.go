package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// TestByHandWithWscat follows the README's steps: the real wscat beside `sotto
// frame`, with a user of the ordinary client in the same room.
func TestByHandWithWscat(t *testing.T) {
	wscat := installWscat(t)
	s, ctx := sharedStack(t), testContext(t)
	bob, err := client.Open(ctx, client.Options{URL: s.webSocket, User: newName("bob")})
	if err != nil {
		t.Fatal(err)
	}
	defer bob.Close()
	sub, err := bob.Subscribe(chat.Lobby, client.NewOnly)
	if err != nil {
		t.Fatal(err)
	}
	hand := startWscat(t, wscat, s.webSocket)
	carol := newName("carol")
	profile := filepath.Join(t.TempDir(), "profile")
	frame := func(stdin string, args ...string) string {
		t.Helper()
		return sotto(t, stdin, append([]string{"frame", "--user", string(carol), "--profile", profile,
			"--url", s.webSocket}, args...)...)
	}

	// 1 to 3: a challenge, a proof, a welcome.
	hand.paste(frame("", "begin"))
	hand.paste(frame(hand.copy("challenge"), "prove"))
	if opened := frame(hand.copy("welcome"), "open"); !strings.HasPrefix(opened,
		"welcome: "+string(carol)+", session ") || !strings.Contains(opened, "lobby") {
		t.Fatalf("open the welcome: got %q, want carol's name and the lobby", opened)
	}

	// 4 and 5: a message. It comes back as ack and as message, and reaches bob.
	hand.paste(frame("", "seal", "hello by hand"))
	ack := regexp.MustCompile(`^ack lobby \d+: [0-9A-Z]{26}\n$`)
	if opened := frame(hand.copy("ack"), "open"); !ack.MatchString(opened) {
		t.Errorf("open the ack: got %q, want \"ack lobby SEQ: ID\"", opened)
	}
	if opened := frame(hand.copy("message"), "open"); !strings.HasSuffix(opened, string(carol)+": hello by hand\n") {
		t.Errorf("open the message: got %q, want its sender and text", opened)
	}
	if m, err := sub.Next(ctx); err != nil || m.Body != "hello by hand" || m.From != carol || m.Problem != nil {
		t.Errorf("bob received %+v, %v; want \"hello by hand\" from %s", m, err, carol)
	}

	// A message from bob arrives in wscat.
	if _, err := bob.Send(ctx, chat.Lobby, "hello from a client"); err != nil {
		t.Fatal(err)
	}
	if opened := frame(hand.copy("message"), "open"); !strings.HasSuffix(opened,
		string(bob.User())+": hello from a client\n") {
		t.Errorf("open the message: got %q, want its sender and text", opened)
	}

	// A wrong frame gets an error, and the session continues.
	hand.paste(`{"action":"sendMessage"}`)
	if opened := frame(hand.copy("error"), "open"); !strings.HasPrefix(opened, "error bad_frame: ") {
		t.Errorf("open the error: got %q, want bad_frame", opened)
	}
	hand.paste(frame("", "mac", `{"action":"history","room":"lobby"}`))
	if opened := frame(hand.copy("history"), "open"); !strings.Contains(opened, ": hello by hand\n") ||
		!strings.Contains(opened, ": hello from a client\n") {
		t.Errorf("open the history: got %q, want both messages", opened)
	}
}

// sotto runs the command with a stdin and returns its stdout.
func sotto(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	path, err := sottoBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		if ended, ok := err.(*exec.ExitError); ok {
			t.Fatalf("sotto %q: %v: %s", args, err, ended.Stderr)
		}
		t.Fatal(err)
	}
	return string(out)
}

// terminal is a running wscat.
type terminal struct {
	*process
	t    testing.TB
	read int // bytes of its output that copy has read
}

// installWscat installs the version that testdata/wscat pins and returns its
// path.
func installWscat(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not on PATH; this test runs wscat and needs Node (https://nodejs.org; Debian: apt-get install npm)", tool)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "wscat"))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		for _, sign := range []string{"ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT"} {
			if strings.Contains(string(out), sign) {
				t.Skipf("npm cannot reach its registry (%s); this test installs wscat from it", sign)
			}
		}
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return filepath.Join(dir, "node_modules", "wscat", "bin", "wscat")
}

// startWscat starts wscat and waits until it is connected. Lines typed earlier
// are lost, and without a terminal wscat does not report the connection, so a
// ping is typed until it is answered. Each waits for its answer before the next
// is typed, since the third refusal closes a connection.
func startWscat(t testing.TB, wscat, url string) *terminal {
	t.Helper()
	p, err := startProcess(exec.Command("node", wscat, "-c", url), new(output), new(output))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	w := &terminal{process: p, t: t}
	connected := eventually(func() bool {
		w.paste(`{"action":"ping","ref":"r"}`)
		return within(2*time.Second, func() bool {
			return strings.Contains(p.stdout.String(), "handshake_required")
		})
	})
	if !connected {
		t.Fatalf("timed out waiting until wscat is connected: %s%s", p.stdout, p.stderr)
	}
	return w
}

// paste types a line.
func (w *terminal) paste(line string) {
	w.t.Helper()
	if _, err := w.stdin.Write([]byte(strings.TrimSpace(line) + "\n")); err != nil {
		w.t.Fatalf("wscat has exited (%v): %s", err, w.stderr)
	}
}

// copy waits for the next frame of a type and returns its line.
func (w *terminal) copy(typ string) (line string) {
	w.t.Helper()
	if !eventually(func() bool {
		for {
			text := w.stdout.String()[w.read:]
			end := strings.IndexByte(text, '\n')
			if end < 0 {
				return !w.running()
			}
			w.read += end + 1
			// wscat prints its prompt before the frame.
			line = strings.TrimLeft(text[:end], "> ")
			if typeOf(line) == typ && !strings.Contains(line, "handshake_required") {
				return true
			}
		}
	}) || typeOf(line) != typ {
		w.t.Fatalf("timed out waiting until wscat prints a frame of type %s: %s%s", typ, w.stdout, w.stderr)
	}
	return line
}
