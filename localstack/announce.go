package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam"
	"github.com/sotto-chat/sotto/localstack/stack"
)

// announce prints the addresses of a running stack.
func announce(out io.Writer, a stack.Addresses) {
	var b strings.Builder
	b.WriteString("\nReady.\n\n")
	for _, url := range a.WebSockets {
		fmt.Fprintf(&b, "  WebSocket  %s\n", url)
	}
	if a.WebClient != "" {
		fmt.Fprintf(&b, "  web client %s\n", a.WebClient)
	}
	fmt.Fprintf(&b, "  AWS APIs   AWS_ENDPOINT_URL=%s (any credentials; the region is %s)\n", a.AWS, a.Region)
	fmt.Fprintf(&b, "  page       %s (connections, functions, tables, each message, what it would cost)\n", a.Page)
	fmt.Fprintf(&b, "  health     %s\n", a.Health)
	fmt.Fprintf(&b, "  data       %s\n\n", a.Data)
	if a.Remote {
		fmt.Fprintf(&b, "Listening on %s: other machines can do all that you can (-allow-remote).\n", a.Listen)
	}
	b.WriteString("Ctrl-C stops the stack.\n\n")
	_, _ = io.WriteString(out, b.String()) // the stack also runs with a closed stdout
}

// notes prints what [templateNotes] returns, except for what it has printed for
// the version of the template before.
func (c *console) notes(plan *sam.Plan) {
	list := templateNotes(plan)
	for _, n := range list {
		if !slices.ContainsFunc(c.noted, func(before note) bool { return before.about == n.about }) {
			c.say("%s", n.line)
		}
	}
	c.noted = list
}

// note is a line about the template.
type note struct {
	about string // the line without positions, which change with every edit
	line  string
}

// templateNotes returns lines about what the stack ignores in the template and
// what AWS would, by type, and about routes that cannot work.
func templateNotes(plan *sam.Plan) []note {
	found := make(map[string]*note)
	for _, n := range plan.Notes {
		label := "ignored locally: "
		switch {
		case n.Advice:
			label = "for AWS: "
		case n.Placeholder:
			label = "not known locally: "
		}
		what := label + n.Type + ": " + n.Reason
		at := fmt.Sprintf("%s (%s:%d:%d)", n.LogicalID, n.File, n.Line, n.Column)
		if same := found[what]; same != nil {
			same.about, same.line = same.about+", "+n.LogicalID, same.line+", "+at
		} else {
			found[what] = &note{about: what + ": " + n.LogicalID, line: what + ": " + at}
		}
	}
	var list []note
	for _, what := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[what])
	}
	for _, api := range plan.APIs {
		for _, r := range api.Routes {
			if r.FunctionARN != "" && !r.Permitted {
				line := fmt.Sprintf("%s: route %s will fail, as on AWS: no AWS::Lambda::Permission lets API Gateway invoke %s",
					plan.Path, r.Key, r.FunctionLogicalID)
				list = append(list, note{about: line, line: line})
			}
		}
	}
	return list
}
