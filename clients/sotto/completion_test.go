package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/client/clienttest"
)

// completes returns the candidates that a shell gets.
func completes(t *testing.T, words ...string) (offered []string) {
	t.Helper()
	code, stdout, stderr := invoke(t, "", append([]string{completeWord}, words...)...)
	if code != 0 || stderr != "" {
		t.Fatalf("completing %q: exit %d, %q", words, code, stderr)
	}
	for line := range strings.Lines(stdout) {
		word, _, _ := strings.Cut(line, "\t")
		offered = append(offered, word)
	}
	return offered
}

func TestCompletion(t *testing.T) {
	s := clienttest.New(t)
	dir := filepath.Join(t.TempDir(), "p")
	at := []string{"--url", s.URL, "--profile", dir}
	for _, args := range [][]string{{"room", "create", "--user", "ada", "kitchen", "open"}, {"rooms", "--user", "ada"},
		{"rooms", "--user", "bob"}} {
		if code, _, stderr := invoke(t, "", append(args, at...)...); code != 0 {
			t.Fatal(stderr)
		}
	}
	s.Stop() // completion does not connect
	for _, c := range []struct {
		words string
		want  []string
	}{
		{"se", []string{"send"}},
		{"help l", []string{"listen", "leave"}},
		{"nonsense ", nil},
		{"devices ", []string{"link", "accept", "revoke"}},
		{"devices --user ada r", []string{"revoke"}},
		{"devices revoke ", nil},
		{"completion f", []string{"fish"}},
		{"completion -", []string{"--help"}},
		{"send --t", []string{"--timeout"}},
		{"send --timeout ", nil},
		{"chat --profile ", []string{":files"}},
		{"chat AT --user ", []string{"ada", "bob"}},
		{"chat AT --user=a", []string{"--user=ada"}},
		{"chat AT --room ", []string{"kitchen", "lobby"}},
		{"chat AT --user bob --room ", []string{"lobby"}},
		{"leave AT --user Ada k", []string{"kitchen"}},
		{"leave AT --user ada kitchen ", nil},
	} {
		words := strings.Split(strings.Replace(c.words, "AT", strings.Join(at, " "), 1), " ")
		if got := completes(t, words...); !slices.Equal(got, c.want) {
			t.Errorf("sotto %s: offered %q, want %q", c.words, got, c.want)
		}
	}
	// Completion must not create a profile.
	none := filepath.Join(t.TempDir(), "none")
	completes(t, "chat", "--profile", none, "--user", "")
	if _, err := os.Stat(none); err == nil {
		t.Errorf("completion has created the profile %s", none)
	}
}

// TestEveryCommandIsDocumented checks that each command has a short text, usage
// and examples, and that its flags are completed.
func TestEveryCommandIsDocumented(t *testing.T) {
	for _, c := range commands() {
		if !strings.Contains(c.help, "Example") && !strings.Contains(c.help, "Step by step") ||
			c.short == "" || len(c.usage) == 0 {
			t.Errorf("%s has no example, no usage or no short text", c.name)
		}
		if !slices.Contains(completes(t, c.name, "--"), "--help") {
			t.Errorf("the flags of %s are not completed", c.name)
		}
	}
}

// TestBashCompletion runs the script in bash.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	code, script, stderr := invoke(t, "", "completion", "bash")
	if code != 0 {
		t.Fatal(stderr)
	}
	// A shell function replaces the program. It prints its arguments.
	asks := `sotto() { printf '%s|' "$@" >&3; printf 'one\tabout\ntwo\tabout\n'; }
COMP_WORDS=(sotto chat --user = a) COMP_CWORD=4
_sotto 3>asked
printf '%s\n' "${COMPREPLY[@]}"
complete -p sotto
`
	cmd := exec.Command(bash, "--norc", "-c", script+"\n"+asks)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "one\ntwo\ncomplete -F _sotto sotto") {
		t.Errorf("%v: %s", err, out)
	}
	if asked, err := os.ReadFile(filepath.Join(cmd.Dir, "asked")); err != nil ||
		string(asked) != "complete-|chat|--user|a|" {
		t.Errorf("it asks %q, %v; want complete- with the words", asked, err)
	}
}

// TestCompletionScripts checks that the scripts have no unfilled placeholders.
func TestCompletionScripts(t *testing.T) {
	for shell := range completionScripts {
		code, script, stderr := invoke(t, "", "completion", shell)
		if code != 0 || !strings.Contains(script, completeWord) || strings.Contains(script, "%!") ||
			strings.Contains(script, "%[") {
			t.Errorf("%s: exit %d, %q: %s", shell, code, stderr, script)
		}
	}
	if code, _, stderr := invoke(t, "", "completion", "tcsh"); code != 2 ||
		!strings.Contains(stderr, `no completion for "tcsh"; use one of bash, zsh`) {
		t.Errorf("tcsh: exit %d, %q; want 2 and the list of shells", code, stderr)
	}
}
