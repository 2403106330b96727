package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// TestByHandWithWscat walks the README's steps: the real wscat beside
// `sotto frame`, with a user of the ordinary client at the other end.
func TestByHandWithWscat(t *testing.T) {
	wscat := installWscat(t)
	s, ctx := sharedStack(t), patient(t)
	bob, err := client.Open(ctx, client.Options{URL: s.webSocket, User: newName("bob")})
	if err != nil {
		t.Fatal(err)
	}
	defer bob.Close()
	heard, err := bob.Subscribe(chat.Lobby, client.NewOnly)
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
	if said := frame(hand.copy("welcome"), "open"); !strings.HasPrefix(said,
		"welcome: "+string(carol)+", session ") || !strings.Contains(said, "lobby") {
		t.Fatalf("the welcome says %q", said)
	}

	// 4 and 5: a message, which comes back as ack and as message, and reaches
	// bob.
	hand.paste(frame("", "seal", "hello by hand"))
	if said := frame(hand.copy("ack"), "open"); !regexp.MustCompile(`^ack lobby \d+: [0-9A-Z]{26}\n$`).MatchString(said) {
		t.Errorf("the ack says %q", said)
	}
	if said := frame(hand.copy("message"), "open"); !strings.HasSuffix(said, string(carol)+": hello by hand\n") {
		t.Errorf("the message says %q", said)
	}
	if m, err := heard.Next(ctx); err != nil || m.Body != "hello by hand" || m.From != carol || m.Problem != nil {
		t.Errorf("bob heard %+v, %v", m, err)
	}

	// What bob says arrives in wscat.
	if _, err := bob.Send(ctx, chat.Lobby, "hello from a client"); err != nil {
		t.Fatal(err)
	}
	if said := frame(hand.copy("message"), "open"); !strings.HasSuffix(said,
		string(bob.User())+": hello from a client\n") {
		t.Errorf("the message says %q", said)
	}

	// A mistake is answered, and the session goes on.
	hand.paste(`{"action":"sendMessage"}`)
	if said := frame(hand.copy("error"), "open"); !strings.HasPrefix(said, "error bad_frame: ") {
		t.Errorf("the error says %q", said)
	}
	hand.paste(`{"action":"history","room":"lobby"}`)
	if said := frame(hand.copy("history"), "open"); !strings.Contains(said, ": hello by hand\n") ||
		!strings.Contains(said, ": hello from a client\n") {
		t.Errorf("the history says %q", said)
	}
}

// sotto runs the command line with a stdin and returns its stdout.
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

// terminal is wscat with somebody before it.
type terminal struct {
	*process
	t    testing.TB
	read int // bytes of its output that were looked at
}

// installWscat installs the version in testdata/wscat and returns its path.
func installWscat(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not on PATH; with Node (https://nodejs.org, Debian: apt-get install npm) this test runs the real wscat", tool)
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
				t.Skipf("npm does not reach its registry (%s); with it this test runs the real wscat", sign)
			}
		}
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return filepath.Join(dir, "node_modules", "wscat", "bin", "wscat")
}

// startWscat connects. Lines typed before it is connected are lost, and without
// a terminal it does not say when it is; so a ping is typed until it is
// answered.
func startWscat(t testing.TB, wscat, url string) *terminal {
	t.Helper()
	p, err := startProcess(exec.Command("node", wscat, "-c", url), new(output), new(output))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	w := &terminal{process: p, t: t}
	connected := eventually(func() bool {
		w.paste(`{"action":"ping"}`)
		return strings.Contains(p.stdout.String(), "handshake_required")
	})
	if !connected {
		t.Fatalf("wscat does not connect: %s%s", p.stdout, p.stderr)
	}
	return w
}

// paste types a line.
func (w *terminal) paste(line string) {
	w.t.Helper()
	if _, err := w.stdin.Write([]byte(strings.TrimSpace(line) + "\n")); err != nil {
		w.t.Fatalf("wscat has ended (%v): %s", err, w.stderr)
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
			// Its prompt, which a terminal would overwrite, stands before it.
			line = strings.TrimLeft(text[:end], "> ")
			if typeOf(line) == typ && !strings.Contains(line, "handshake_required") {
				return true
			}
		}
	}) || typeOf(line) != typ {
		w.t.Fatalf("wscat shows no %s: %s%s", typ, w.stdout, w.stderr)
	}
	return line
}
