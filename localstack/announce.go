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

// notes prints what the stack ignores in the template and what AWS would, by
// type, and routes that cannot work.
func notes(c *console, plan *sam.Plan) {
	found := make(map[string][]string)
	for _, n := range plan.Notes {
		label := "ignored locally: "
		switch {
		case n.Advice:
			label = "for AWS: "
		case n.Placeholder:
			label = "not known locally: "
		}
		what := label + n.Type + ": " + n.Reason
		found[what] = append(found[what], fmt.Sprintf("%s (%s:%d:%d)", n.LogicalID, n.File, n.Line, n.Column))
	}
	for _, what := range slices.Sorted(maps.Keys(found)) {
		c.say("%s: %s", what, strings.Join(found[what], ", "))
	}
	for _, api := range plan.APIs {
		for _, r := range api.Routes {
			if r.FunctionARN != "" && !r.Permitted {
				c.say("%s: route %s will fail, as on AWS: no AWS::Lambda::Permission lets API Gateway invoke %s",
					plan.Path, r.Key, r.FunctionLogicalID)
			}
		}
	}
}
