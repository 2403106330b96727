package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"sotto": main}) }

// TestScripts runs testdata/*.txtar with the real program. $URL is a new
// service for each script, $NOBODY an address where nothing answers.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			t := e.T().(testing.TB)
			stopped := clienttest.New(t)
			stopped.Stop()
			e.Setenv("URL", clienttest.New(t).URL)
			e.Setenv("NOBODY", stopped.URL)
			e.Setenv("GORACE", "atexit_sleep_ms=0") // a race build otherwise waits a second before it exits
			return nil
		},
	})
}

// invoke runs the program in this process.
func invoke(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, err bytes.Buffer
	code = run(ctx, args, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

func TestWrongUsage(t *testing.T) {
	config := t.TempDir()
	for _, name := range []string{"XDG_CONFIG_HOME", "HOME", "AppData"} { // os.UserConfigDir
		t.Setenv(name, config)
	}
	for _, c := range []struct {
		args string
		says string
	}{
		{"", "no command"},
		{"shout", `unknown command "shout"`},
		{"--user ada send x", "the command comes first"},
		{"send --user ada", "no text"},
		{"send hello", "--user"},
		{"send --user ada one two", `"two" is one word too many`},
		{"send --user İrem hello", "2 to 32 characters"},
		{"send --user admin hello", "reserved"},
		{"send --user ada --room Lobby! hello", "not a valid room name"},
		{"send --user ada --timeout -1s hello", "negative"},
		{"send --user ada --timeout soon hello",
			`invalid value "soon" for flag --timeout: want a time such as 30s; run: sotto send --help`},
		{"send --user ada --timeout 30 hello", "want a time such as 30s"},
		{"send --user ada --loud hello", "not defined: --loud;"},
		{"send hello --user", "needs an argument: --user;"},
		{"send --user ada --json=-x hello", `invalid boolean value "-x" for --json: want true or false;`},
		{"send --user ada --url http://x/y hello", "ws://"},
		{"send --user ada -", "empty"},
		{"listen --user ada --since -1", "--since: want a number from 0"},
		{"listen --user ada --since x", "--since: want a number from 0"},
		{"listen --user ada --count -1", "negative"},
		{"listen --user ada --count some", "flag --count: want a number such as 10;"},
		{"listen --user ada lobby", "too many"},
		{"listen", "--user"},
		{"join --user ada", "no room"},
		{"join --user ada a!", "not a valid room name"},
		{"leave --user ada one two", "too many"},
		{"rooms --user ada x", "too many"},
		{"devices", "--user"},
		{"devices --user ada lend", "lend"},
		{"devices --user ada link", "THUMBPRINT"},
		{"devices --user ada accept", "TOKEN"},
		{"devices --user ada revoke short", "43 characters"},
		{"devices --user ada revoke " + strings.Repeat("A", 43) + " more", "too many"},
		{"devices revoke " + strings.Repeat("-x", 21) + "A", "--user"},
		{"devices revoke one -- " + strings.Repeat("-x", 21) + "A", "too many"},
		{"keys", "--user"},
		{"keys secret --user ada", "secret"},
		{"frame", "no frame"},
		{"frame end --user ada", `unknown frame "end"`},
		{"frame begin", "--user"},
		{"frame begin --user ada x", "too many"},
	} {
		code, stdout, stderr := invoke(t, "", strings.Fields(c.args)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, c.says) ||
			strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "sotto: ") {
			t.Errorf("sotto %s: exit %d, stdout %q, stderr %q; want 2 and one line with %q", c.args, code,
				stdout, stderr, c.says)
		}
	}
	if made, err := os.ReadDir(config); err != nil || len(made) > 0 {
		t.Errorf("wrong usage created %v, %v; want nothing", made, err)
	}
}

func TestMessagesAreCounted(t *testing.T) {
	for n, want := range []string{"0 messages", "1 message", "2 messages"} {
		if got := messages(n); got != want {
			t.Errorf("messages(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestATextThatIsTooLong sends a text whose size limit lies inside a character.
func TestATextThatIsTooLong(t *testing.T) {
	text := "x" + strings.Repeat("é", chat.MaxBody/2)
	for stdin, operand := range map[string]string{text: "-", "": text} {
		code, _, stderr := invoke(t, stdin, "send", "--user", "ada", "--profile", "none", operand)
		const want = "sotto: A message may have at most 16384 bytes of text; send it in parts\n"
		if code != 2 || stderr != want {
			t.Errorf("exit %d, %q; want 2, %q", code, stderr, want)
		}
	}
}

func TestFlagsMayBeAnywhere(t *testing.T) {
	s := clienttest.New(t)
	common := []string{"--url", s.URL, "--profile", filepath.Join(t.TempDir(), "p")}
	for _, args := range [][]string{
		{"send", "--user", "ada", "before"},
		{"send", "after", "--user=ada"},
		{"send", "-user", "ada", "--", "--like a flag"},
	} {
		args = append(append(args[:1:1], common...), args[1:]...)
		if code, stdout, stderr := invoke(t, "", args...); code != 0 || stdout != "" || stderr != "" {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want 0 and no output", args, code, stdout, stderr)
		}
	}
	if log := strings.Join(s.Log(chat.Lobby), "|"); log != "before|after|--like a flag" {
		t.Errorf("the log has %q, want before, after, --like a flag", log)
	}
}

func TestJSONOutput(t *testing.T) {
	s := clienttest.New(t)
	at := []string{"--url", s.URL, "--profile", filepath.Join(t.TempDir(), "p"), "--json"}
	text := "line one\nline <two> & \x1b[31mthree\n"
	code, sent, stderr := invoke(t, text, append([]string{"send", "--user", "ada", "-"}, at...)...)
	if code != 0 {
		t.Fatalf("send: exit %d, %s", code, stderr)
	}
	code, received, stderr := invoke(t, "", append([]string{"listen", "--user", "bob", "--since", "0",
		"--count", "1"}, at...)...)
	if code != 0 || stderr != "listening\n" {
		t.Fatalf("listen: exit %d, %q", code, stderr)
	}
	if sent != received || strings.Count(sent, "\n") != 1 {
		t.Errorf("send printed %q, listen %q; want the same line", sent, received)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(sent), &m); err != nil {
		t.Fatal(err)
	}
	if len(m) != 6 || m["room"] != "lobby" || m["seq"] != 1.0 || m["from"] != "ada" || m["body"] != text ||
		m["id"] == "" || m["storedAt"].(float64) < 1.6e12 {
		t.Errorf("got %v, want room, seq, from, body %q, id and storedAt", m, text)
	}
}

// TestListeningMeansThatNothingIsMissed sends a message as soon as listen has
// printed "listening".
func TestListeningMeansThatNothingIsMissed(t *testing.T) {
	s := clienttest.New(t)
	at := []string{"--url", s.URL, "--profile", filepath.Join(t.TempDir(), "p")}
	if code, _, stderr := invoke(t, "", append([]string{"send", "--user", "ada", "old"}, at...)...); code != 0 {
		t.Fatal(stderr)
	}
	stderr, tell := io.Pipe()
	var stdout bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- run(t.Context(), append([]string{"listen", "--user", "bob", "--count", "1"}, at...),
			strings.NewReader(""), &stdout, tell)
	}()
	line := make([]byte, len("listening\n"))
	if _, err := io.ReadFull(stderr, line); err != nil || string(line) != "listening\n" {
		t.Fatalf("stderr begins with %q, %v; want listening", line, err)
	}
	if code, _, stderr := invoke(t, "", append([]string{"send", "--user", "ada", "new"}, at...)...); code != 0 {
		t.Fatal(stderr)
	}
	if code := <-ended; code != 0 || !strings.HasSuffix(stdout.String(), " ada: new\n") {
		t.Errorf("listen: exit %d, %q; want 0 and the new message", code, &stdout)
	}
}

// TestCtrlC interrupts each command that waits.
func TestCtrlC(t *testing.T) {
	s := clienttest.New(t)
	for command, c := range map[string]struct {
		says string
		code int
	}{
		"listen": {"listening\n", 0}, "listen --count 1": {"listening\n", 1},
		"chat": {"sotto: Messages are deleted", 0}, // the first chat of a profile says so
	} {
		user := strings.Map(func(r rune) rune { return max(r, '-') }, strings.ReplaceAll(command, " ", ""))
		at := []string{"--user", user, "--url", s.URL, "--profile", filepath.Join(t.TempDir(), "p")}
		ctx, interrupt := context.WithCancel(t.Context())
		stdin, _ := io.Pipe()
		stderr, tell := io.Pipe()
		ended := make(chan int)
		go func() { ended <- run(ctx, append(strings.Fields(command), at...), stdin, io.Discard, tell) }()
		line := make([]byte, len(c.says))
		if _, err := io.ReadFull(stderr, line); err != nil || string(line) != c.says {
			t.Fatalf("%s: stderr begins with %q, %v; want %q", command, line, err, c.says)
		}
		go io.Copy(io.Discard, stderr)
		interrupt()
		if code := <-ended; code != c.code {
			t.Errorf("%s: exit %d, want %d", command, code, c.code)
		}
		_ = stdin.Close()
		_ = tell.Close()
	}
}

// TestFrameSession copies frames between `sotto frame` and a WebSocket, as a
// person does with wscat.
func TestFrameSession(t *testing.T) {
	s := clienttest.New(t)
	dir := filepath.Join(t.TempDir(), "p")
	ws, _, err := websocket.Dial(t.Context(), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	ws.SetReadLimit(1 << 20)
	receive := func() string {
		_, data, err := ws.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return "< " + string(data) + "\n"
	}
	sotto := func(stdin string, words ...string) string {
		t.Helper()
		code, stdout, stderr := invoke(t, stdin,
			append([]string{"frame", "--user", "ada", "--url", s.URL, "--profile", dir}, words...)...)
		if code != 0 || strings.Count(stdout, "\n") != 1 {
			t.Fatalf("sotto frame %q: exit %d, stdout %q, stderr %q", words, code, stdout, stderr)
		}
		return strings.TrimSuffix(stdout, "\n")
	}
	paste := func(line string) {
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(line, what string) {
		t.Helper()
		if !strings.Contains(line, what) {
			t.Errorf("open prints %q, want a line with %q", line, what)
		}
	}
	paste(sotto("", "begin"))
	challenge := receive()
	shows(sotto(challenge, "open"), "challenge: key set 1")
	paste(sotto("Connected (press CTRL+C to quit)\n> sent before\n"+challenge, "prove"))
	shows(sotto(receive(), "open"), "welcome: ada, session ")
	sealed := sotto("", "seal", "hello by hand")
	if strings.Contains(sealed, "hello") {
		t.Errorf("the sealed frame contains the text: %q", sealed)
	}
	paste(sealed)
	shows(sotto(receive(), "open"), "ack lobby 1: ")
	shows(sotto(receive(), "open"), "ada: hello by hand")
	paste(sealed)
	shows(sotto(receive(), "open"), "stored before")
	receive()
	// The server key is rotated, and the old one is deleted.
	s.RotateServerKey(false, false)
	paste(sotto("", "seal", "again"))
	code, stdout, stderr := invoke(t, receive(), "frame", "open", "--user", "ada", "--url", s.URL, "--profile", dir)
	if code != 0 || !strings.Contains(stdout, "error stale_server_key") || !strings.Contains(stdout, "key set 2") {
		t.Errorf("open an error for a stale key: exit %d, %q, %q; want stale_server_key and key set 2",
			code, stdout, stderr)
	}
	paste(sotto("", "seal", "again"))
	shows(sotto(receive(), "open"), "ack lobby 2: ")
	receive()
	// wscat shows several frames, and one may be damaged.
	paste(sotto("", "mac", `{"action":"history","room":"lobby"}`))
	page := receive()
	code, stdout, stderr = invoke(t, page+"\n< {\"type\":\"message\",\"jwe\":\"x\"}\n"+page, "frame",
		"open", "--user", "ada", "--url", s.URL, "--profile", dir)
	if code != 1 || strings.Count(stdout, "ada: again") != 2 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("open three frames: exit %d, %q, %q; want 1, two pages and one error", code, stdout, stderr)
	}
}

func TestHarmlessLines(t *testing.T) {
	for text, want := range map[string]string{
		"plain ☃ é عربي 👩‍💻":            "plain ☃ é عربي 👩‍💻",
		"tab\tstays":                    "tab\tstays",
		"\x1b[2J\a\u009b31m":            `\x1b[2J\a\u009b31m`,
		"a\rb\x00\x7f":                  `a\rb\x00\x7f`,
		"one\n12:00 bob: two":           "one\n      12:00 bob: two",
		"\u202eevil\u2066x\u2069\u200f": `\u202eevil\u2066x\u2069\u200f`,
		"a\u2028b":                      `a\u2028b`,
	} {
		if got := harmlessLines(text); got != want {
			t.Errorf("harmlessLines(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", 40_000)
	for name, c := range map[string]struct {
		input string
		raw   bool
		want  string
		err   error
	}{
		"a pipe":             {long + "\nrest", false, long, nil},
		"a pipe without end": {long, false, long, nil},
		"a raw terminal":     {long + "\rrest", true, long, nil},
		"Ctrl-C":             {"abc\x03", true, "", context.Canceled},
		"Ctrl-D":             {"\x04", true, "", io.EOF},
		"too long":           {strings.Repeat("x", maxLine+1), false, "", errLineTooLong},
		"no input":           {"", false, "", io.EOF},
	} {
		if got, err := readLine(strings.NewReader(c.input), c.raw); got != c.want || err != c.err {
			t.Errorf("%s: %d bytes, %v; want %d, %v", name, len(got), err, len(c.want), c.err)
		}
	}
}
