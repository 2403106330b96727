// Command fidelity runs the tests that carry the number of a statement about
// AWS and writes docs/aws-fidelity.md. The document lists each statement, how
// certain it is, and whether the local stack behaves as it says. Run it from
// the module's root, with `make fidelity`.
//
// It never talks to AWS.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const document = "docs/aws-fidelity.md"

const usage = `Runs the tests that carry the number of a statement about AWS, which takes some
minutes, and writes ` + document + `. Run it from the module's root.

Usage: go run ./localstack/fidelity

  -h   print this text

Exit status: 0 all tests passed, 1 something failed, 2 wrong arguments.
`

func main() {
	os.Exit(command(os.Args[1:], os.Stdout, os.Stderr))
}

// command checks the arguments, runs the tests and returns the exit status.
func command(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("fidelity", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // printed below
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fallthrough
	case err != nil:
		fmt.Fprintf(stderr, "fidelity: %v; -h prints the usage\n", err)
		return 2
	}
	if err := run("."); err != nil {
		fmt.Fprintln(stderr, "fidelity:", err)
		return 1
	}
	return 0
}

// run runs the tests and writes the document. It returns an error if a test
// fails; the document is still written.
func run(root string) error {
	sections, tests, settings, err := read(root)
	if err != nil {
		return err
	}
	results, err := runTests(root, tests, os.Stderr)
	if err != nil {
		return err
	}
	file := filepath.Join(root, document)
	if err := os.WriteFile(file, []byte(report(sections, tests, settings, results)), 0o644); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	failed := 0
	for _, result := range results {
		if result == "fail" {
			failed++
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %d tests, %d failed\n", document, len(results), failed)
	if failed > 0 {
		return errors.New("some tests failed; " + document + " lists them")
	}
	return nil
}

// read returns everything that the document is made from, except results.
func read(root string) ([]section, map[string][]test, map[string][]string, error) {
	sections, err := parseStatements(statementsText)
	if err != nil {
		return nil, nil, nil, err
	}
	known := make(map[string]bool)
	for _, s := range sections {
		for _, st := range s.statements {
			known[st.id] = true
		}
	}
	tests, err := findTests(root, known)
	if err != nil {
		return nil, nil, nil, err
	}
	return sections, tests, settings(), nil
}

// runTests runs the tests, one package after the other, and returns "pass",
// "fail" or "skip" for each.
func runTests(root string, tests map[string][]test, progress io.Writer) (map[test]string, error) {
	byPackage := make(map[string][]string)
	for _, list := range tests {
		for _, t := range list {
			byPackage[t.pkg] = append(byPackage[t.pkg], t.name)
		}
	}
	var packages []string
	for pkg := range byPackage {
		packages = append(packages, pkg)
	}
	slices.Sort(packages)
	results := make(map[test]string)
	for _, pkg := range packages {
		fmt.Fprintf(progress, "%s: %d tests\n", pkg, len(byPackage[pkg]))
		cmd := exec.Command("go", "test", "-json", "-run", "^("+strings.Join(byPackage[pkg], "|")+")$", "./"+pkg)
		cmd.Dir, cmd.Stderr = root, progress
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, fmt.Errorf("run tests: %w", err)
		}
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("run tests: %w", err)
		}
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var event struct{ Action, Test string }
			if json.Unmarshal(lines.Bytes(), &event) != nil || strings.Contains(event.Test, "/") || event.Test == "" {
				continue
			}
			switch event.Action {
			case "pass", "fail", "skip":
				results[test{pkg, event.Test}] = event.Action
			}
		}
		if err := cmd.Wait(); err != nil {
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) { // a failed test is a result
				return nil, fmt.Errorf("run tests of %s: %w", pkg, err)
			}
		}
	}
	return results, nil
}
