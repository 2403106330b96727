package main

import (
	"fmt"
	"strings"
)

// report returns docs/aws-fidelity.md. A test without a result was not run.
func report(sections []section, tests map[string][]test, settings map[string][]string, results map[test]string) string {
	var b strings.Builder
	b.WriteString(`# How close the local stack is to AWS

Generated from the tests by ` + "`make fidelity`" + `; do not edit. The tables list each statement about AWS, its mark, and the result of the tests that carry its number.

Marks: **D** documented by AWS; **O** observed on AWS and published; **C** read in source code that AWS owns;
**X** our own experiment with an AWS SDK; **I** inferred: no source confirms it. For an inferred statement the named setting
(` + "`-inferred NAME=VALUE`" + `) turns on the other behaviour, and the tests show both; where none is
named there is no other behaviour to turn on. Nothing here was run against an AWS account: the tests
show that the stack does what the statement says, not that AWS does.

The texts of DynamoDB's errors are AWS's. Most are those that users and the tests of public emulators have quoted over the
years. AWS renewed some in 2026, region by region: "1 validation error detected: " before the errors that PutItem,
UpdateItem and DeleteItem find without the table, and members of sets in quotes. For these the stack has the texts of
us-east-1 that a public conformance suite captured in October 2026. The class of an error never depends on the region; do
not compare whole texts.
`)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n| | mark | statement | result | tests |\n|---|---|---|---|---|\n", s.title)
		for _, st := range s.statements {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", st.id, st.mark, text(st, settings[st.id]),
				verdict(st, tests[st.id], results), list(tests[st.id]))
		}
	}
	return b.String()
}

// text returns a statement as it stands in the table.
func text(st statement, settings []string) string {
	text := strings.ReplaceAll(st.text, "|", `\|`)
	if len(settings) > 0 {
		text += " *Setting: " + strings.Join(settings, ", ") + ".*"
	}
	if st.without != "" {
		text += " *No test: " + st.without + ".*"
	}
	return text
}

// verdict returns the worst result of a statement's tests.
func verdict(st statement, tests []test, results map[test]string) string {
	if len(tests) == 0 {
		return "–"
	}
	worst := "pass"
	for _, t := range tests {
		switch result := results[t]; {
		case result == "fail":
			return "**fail**"
		case result == "skip":
			worst = "skipped"
		case result == "" && worst == "pass":
			worst = "not run"
		}
	}
	return worst
}

// list returns the names of tests, without the folder that all share.
func list(tests []test) string {
	names := make([]string, len(tests))
	for i, t := range tests {
		names[i] = "`" + strings.TrimPrefix(t.pkg, "localstack/") + "." + t.name + "`"
	}
	return strings.Join(names, "<br>")
}
