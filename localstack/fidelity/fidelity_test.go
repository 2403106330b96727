package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func TestEveryStatementHasATest(t *testing.T) {
	sections, tests, _, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, s := range sections {
		for _, st := range s.statements {
			known[st.id] = true
			switch n := len(tests[st.id]); {
			case n == 0 && st.without == "":
				t.Errorf("%s has no test, want one: %s", st.id, st.text)
			case n > 0 && st.without != "":
				t.Errorf("%s has a test, but statements.txt says that none is possible", st.id)
			}
		}
	}
	for id, list := range tests {
		if !known[id] {
			t.Errorf("%s carries the number %s, which is not in statements.txt", list[0].name, id)
		}
	}
}

// TestDocumentIsCurrent compares the document with the statements and tests.
// Its results are those of the last run of `make fidelity`.
func TestDocumentIsCurrent(t *testing.T) {
	sections, tests, settings, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	withoutResults := func(document string) []string {
		lines := strings.Split(document, "\n")
		for i, line := range lines {
			if columns := strings.Split(line, " | "); len(columns) >= 5 {
				columns[len(columns)-2] = ""
				lines[i] = strings.Join(columns, " | ")
			}
		}
		return lines
	}
	want := withoutResults(report(sections, tests, settings, nil))
	got := withoutResults(strings.ReplaceAll(string(written), "\r\n", "\n"))
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("%s:%d is not current; run `make fidelity`", document, i+1)
		}
	}
}

func TestStatementOf(t *testing.T) {
	known := map[string]bool{"A6.1": true, "D1.4b": true, "C5": true, "E3": true}
	for name, want := range map[string]string{
		"TestA6_1_ForbiddenFrame": "A6.1", "TestA6_1": "A6.1", "TestD1_4b_Exit": "D1.4b",
		"TestC5_403_Denied": "C5", "TestE3_Reasons": "E3",
		"TestA6_99_Unknown": "A6", "TestAdd": "", "TestAll5": "", "TestE": "",
	} {
		if got := statementOf(name, known); got != want {
			t.Errorf("statementOf(%s): got %q, want %q", name, got, want)
		}
	}
}

// Help and wrong arguments run no tests.
func TestArguments(t *testing.T) {
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{[]string{"-h"}, 0, "Usage: go run ./localstack/fidelity", ""},
		{[]string{"--help"}, 0, "Usage: go run ./localstack/fidelity", ""},
		{[]string{"-x"}, 2, "", "fidelity: flag provided but not defined: -x; -h prints the usage"},
		{[]string{"all"}, 2, "", `fidelity: unexpected argument "all"; -h prints the usage`},
	} {
		var stdout, stderr strings.Builder
		if got := command(c.args, &stdout, &stderr); got != c.status ||
			!strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%v: got %d %q %q, want %d %q %q", c.args, got, stdout.String(), stderr.String(),
				c.status, c.stdout, c.stderr)
		}
	}
}
