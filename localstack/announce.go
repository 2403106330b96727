package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// announce prints the addresses to use.
func announce(out io.Writer, s *stack) {
	var b strings.Builder
	b.WriteString("\nReady.\n\n")
	plan := s.plan.Load()
	for _, api := range plan.APIs {
		fmt.Fprintf(&b, "  WebSocket  %s\n", s.webSocketURL(api))
	}
	if s.web != "" {
		fmt.Fprintf(&b, "  web client %s/\n", s.url())
	}
	fmt.Fprintf(&b, "  AWS APIs   AWS_ENDPOINT_URL=%s (any credentials; the region is %s)\n", s.url(), plan.Region)
	fmt.Fprintf(&b, "  page       %s%s (what runs, what happens, what it would cost)\n", s.url(), pagePath)
	fmt.Fprintf(&b, "  health     %s%s\n", s.url(), edge.HealthPath)
	fmt.Fprintf(&b, "  data       %s\n\n", s.data)
	if s.remote() {
		fmt.Fprintf(&b, "Listening on %s: other machines can do all that you can (-allow-remote).\n", s.listener.given)
	}
	b.WriteString("Ctrl-C stops.\n\n")
	_, _ = io.WriteString(out, b.String()) // a closed stdout is no reason to stop
}

// notes says what in the template has no effect here, by type.
func notes(c *console, plan *sam.Plan) {
	found := make(map[string][]string)
	for _, n := range plan.Notes {
		what := n.Type + ": " + n.Reason
		found[what] = append(found[what], fmt.Sprintf("%s (line %d)", n.LogicalID, n.Line))
	}
	for _, what := range slices.Sorted(maps.Keys(found)) {
		c.say("without effect here: %s: %s", what, strings.Join(found[what], ", "))
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

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
