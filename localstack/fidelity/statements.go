package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed statements.txt
var statementsText string

// statement is one line of statements.txt.
type statement struct {
	id   string // such as A6.1
	mark string // D, O, C, X or I: see statements.txt
	text string
	// without says why no test of the stack can show the statement; usually
	// empty.
	without string
}

// section is a group of statements under one heading.
type section struct {
	title      string // such as "A. WebSocket APIs"
	statements []statement
}

var (
	statementLine = regexp.MustCompile(`^([A-F]\d+(?:\.\d+b?)?) ([DOCXI]) (.+)$`)
	sectionLine   = regexp.MustCompile(`^# ([A-F]\. .+)$`)
)

// parseStatements reads statements.txt. Its errors name the line.
func parseStatements(text string) ([]section, error) {
	var sections []section
	seen := make(map[string]bool)
	for i, line := range strings.Split(text, "\n") {
		if m := sectionLine.FindStringSubmatch(line); m != nil {
			sections = append(sections, section{title: m[1]})
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := statementLine.FindStringSubmatch(line)
		if m == nil || len(sections) == 0 || seen[m[1]] {
			return nil, fmt.Errorf("statements.txt:%d: not a new statement under a heading: %q", i+1, line)
		}
		seen[m[1]] = true
		text, without, _ := strings.Cut(m[3], " n/a: ")
		last := &sections[len(sections)-1]
		last.statements = append(last.statements, statement{id: m[1], mark: m[2], text: text, without: without})
	}
	return sections, nil
}
