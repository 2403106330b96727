package main

import (
	"strings"
	"testing"
)

// Vulnerability: sotto connected to ws:// on any machine without a word, and
// everything but the texts is protected by TLS alone. Attack: mallory is on the
// way, or gets a user to type ws:// for wss://, and answers in the service's
// place. This verifies that sotto does not connect unless --insecure says so,
// and says what to do.
func TestAttackPlaintextAddressOfAnotherMachine(t *testing.T) {
	dir := t.TempDir()
	for _, command := range []string{"send hello", "listen", "join den", "leave den", "rooms", "chat", "devices"} {
		for _, url := range []string{"ws://192.0.2.1/local", "WS://chat.invalid:4566/local", "ws://127.0.0.1.invalid/x",
			"ws://[2001:db8::1]/local"} {
			args := append(strings.Fields(command), "--user", "ada", "--profile", dir, "--url", url)
			code, _, stderr := invoke(t, "", args...)
			if code != 2 || !strings.Contains(stderr, "wss://") || !strings.Contains(stderr, "--insecure") {
				t.Errorf("%s at %s: got code %d and %q, want 2 and what to do", command, url, code, stderr)
			}
		}
	}
	// These get past the check and fail later, at the connection.
	for _, args := range []string{
		"--url ws://chat.invalid/local --insecure", "--url wss://chat.invalid/local", "--url ws://localhost:1/local",
		"--url ws://[::1]:1/local", "--url ws://127.0.0.2:1/local",
	} {
		code, _, stderr := invoke(t, "", append(strings.Fields("send --user ada --timeout 100ms --profile "+dir+" hello"),
			strings.Fields(args)...)...)
		if code != 1 || strings.Contains(stderr, "--insecure") {
			t.Errorf("%s: got code %d and %q, want 1 and nothing about --insecure", args, code, stderr)
		}
	}
}
