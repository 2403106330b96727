package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/client/clienttest"
	"github.com/sotto-chat/sotto/shared/frame"
)

// TestAServiceThatWasSetUpAgain runs the command that the refusal names, as a
// user would after `make clean`.
func TestAServiceThatWasSetUpAgain(t *testing.T) {
	s := clienttest.New(t)
	dir := filepath.Join(t.TempDir(), "a folder")
	sotto := func(args ...string) (code int, stdout, stderr string) {
		return invoke(t, "", append(args, "--url", s.URL, "--profile", dir)...)
	}
	for _, user := range []string{"ada", "bob"} {
		if code, _, stderr := sotto("send", "--user", user, "hello"); code != 0 {
			t.Fatal(stderr)
		}
	}
	_, before, _ := sotto("keys", "--user", "ada")
	s.ReplaceServiceKey()
	for _, command := range []string{"send hello", "chat --plain", "listen", "rooms", "devices", "keys rotate"} {
		args := append(strings.Fields(command), "--user", "ada")
		code, _, stderr := sotto(args...)
		want := "forget the old one: sotto keys forget --url " + s.URL + " --profile '" + dir + "';"
		if code != 1 || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("sotto %s: exit %d, %q; want 1 and one line with %q", command, code, stderr, want)
		}
	}

	// Without --yes it says what would be lost, and deletes nothing.
	code, _, stderr := sotto("keys", "forget")
	if code != 2 || !regexp.MustCompile(`deletes the pinned key of .* and the keys of ada, bob; .*--yes\n$`).
		MatchString(stderr) {
		t.Errorf("keys forget: exit %d, %q; want 2, the users and --yes", code, stderr)
	}
	if _, after, _ := sotto("keys", "--user", "ada"); after != before {
		t.Errorf("after keys forget without --yes, ada's keys are %q, want %q", after, before)
	}

	if code, _, stderr := sotto("keys", "forget", "--yes"); code != 0 || !strings.Contains(stderr, "deleted") {
		t.Fatalf("keys forget --yes: exit %d, %q; want 0", code, stderr)
	}
	if code, _, stderr := sotto("keys", "--user", "ada"); code != 1 || !strings.Contains(stderr, "no device") {
		t.Errorf("keys after forget: exit %d, %q; want 1, no device", code, stderr)
	}
	// The old service's user ada exists in this one too, so use another name.
	if code, _, stderr := sotto("send", "--user", "carol", "hello again"); code != 0 {
		t.Errorf("send after forget: exit %d, %q; want 0", code, stderr)
	}
	if _, key, _ := sotto("keys", "service"); strings.TrimSpace(key) != s.ServiceKey() {
		t.Errorf("the pinned key is %q, want the new one, %q", key, s.ServiceKey())
	}

	other := filepath.Join(t.TempDir(), "empty")
	code, _, stderr = invoke(t, "", "keys", "forget", "--yes", "--url", s.URL, "--profile", other)
	if code != 1 || !strings.Contains(stderr, "nothing is known") {
		t.Errorf("keys forget in an empty profile: exit %d, %q; want 1, nothing is known", code, stderr)
	}
}

// TestAServiceRestoredFromABackup accepts older keys and keeps the user's.
func TestAServiceRestoredFromABackup(t *testing.T) {
	s := clienttest.New(t)
	dir := filepath.Join(t.TempDir(), "p")
	sotto := func(args ...string) (code int, stdout, stderr string) {
		return invoke(t, "", append(args, "--url", s.URL, "--profile", dir)...)
	}
	generation := func(gen int64) {
		s.Misbehave(clienttest.Faults{KeySet: func(c *frame.KeySetClaims) { c.Gen = gen }})
	}
	generation(5)
	if code, _, stderr := sotto("send", "--user", "ada", "hello"); code != 0 {
		t.Fatal(stderr)
	}
	_, before, _ := sotto("keys", "--user", "ada")
	generation(4)
	code, _, stderr := sotto("send", "--user", "ada", "again")
	if want := "restored from a backup, run: sotto keys accept-older --url " + s.URL; code != 1 ||
		!strings.Contains(stderr, want) {
		t.Fatalf("send: exit %d, %q; want 1 and %q", code, stderr, want)
	}
	if code, _, stderr := sotto("keys", "accept-older"); code != 0 {
		t.Fatalf("keys accept-older: exit %d, %q; want 0", code, stderr)
	}
	if code, _, stderr := sotto("send", "--user", "ada", "again"); code != 0 {
		t.Errorf("send after accept-older: exit %d, %q; want 0", code, stderr)
	}
	if _, after, _ := sotto("keys", "--user", "ada"); after != before {
		t.Errorf("ada's keys are %q, want %q as before", after, before)
	}
}
