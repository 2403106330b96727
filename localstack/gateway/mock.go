package gateway

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mock is a MOCK integration, which answers without a backend (A10.1).
type Mock struct {
	// Status is the statusCode of the request template. On $connect it is 200
	// to 299: what API Gateway answers for another one is not documented.
	Status int
	// Response is the template of the integration response for Status. A client
	// gets it if the route has a RouteResponse. [CheckMapping] says what it may
	// contain.
	Response string
}

// mapping is a parsed mapping template: the message is the concatenation of its
// parts' values.
type mapping []func(e *event) string

func (m mapping) evaluate(e *event) string {
	var text strings.Builder
	for _, part := range m {
		text.WriteString(part(e))
	}
	return text.String()
}

// contextVariables are the variables of mapping templates that every message
// has (API Gateway developer guide, "WebSocket API mapping template
// reference").
var contextVariables = map[string]func(c *requestContext) string{
	"apiId":             func(c *requestContext) string { return c.APIID },
	"connectedAt":       func(c *requestContext) string { return strconv.FormatInt(c.ConnectedAt, 10) },
	"connectionId":      func(c *requestContext) string { return c.ConnectionID },
	"domainName":        func(c *requestContext) string { return c.DomainName },
	"eventType":         func(c *requestContext) string { return c.EventType },
	"extendedRequestId": func(c *requestContext) string { return c.ExtendedRequestID },
	"identity.sourceIp": func(c *requestContext) string { return c.Identity.SourceIP },
	"messageId":         func(c *requestContext) string { return c.MessageID },
	"requestId":         func(c *requestContext) string { return c.RequestID },
	"requestTime":       func(c *requestContext) string { return c.RequestTime },
	"requestTimeEpoch":  func(c *requestContext) string { return strconv.FormatInt(c.RequestTimeEpoch, 10) },
	"routeKey":          func(c *requestContext) string { return c.RouteKey },
	"stage":             func(c *requestContext) string { return c.Stage },
}

// Velocity's syntax (Velocity user guide, "References" and "Directives"): a
// reference with its braces, its path or its index, and whatever could follow
// it; and the start of a directive or a comment.
var (
	reference = regexp.MustCompile(`^\$!?(\{)?([A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*)` +
		`(?:\[(?:'([^'\]]*)'|"([^"\]]*)")\])?`)
	directive = regexp.MustCompile(`^#[A-Za-z{@#*\[]`)
)

// parseMapping parses a mapping template. Velocity is a language; only text and
// references to the variables of the context and the stage are evaluated here.
func parseMapping(template string, stageVariables map[string]string) (mapping, error) {
	var m mapping
	start := 0
	literal := func(end int) {
		if text := template[start:end]; text != "" {
			m = append(m, func(*event) string { return text })
		}
	}
	for i := 0; i < len(template); {
		rest := template[i:]
		switch {
		case strings.HasPrefix(rest, `\$`), strings.HasPrefix(rest, `\#`):
			return nil, fmt.Errorf("the escape %s is not evaluated", rest[:2])
		case directive.MatchString(rest):
			return nil, fmt.Errorf("the directive or comment %q is not evaluated", firstWord(rest))
		}
		found := reference.FindStringSubmatch(rest)
		if found == nil {
			i++
			continue
		}
		part, length, err := parseReference(rest, found, stageVariables)
		if err != nil {
			return nil, err
		}
		literal(i)
		m = append(m, part)
		i += length
		start = i
	}
	literal(len(template))
	return m, nil
}

// parseReference returns the value of a reference at the beginning of text, and
// the length of the reference.
func parseReference(text string, found []string, stageVariables map[string]string) (
	part func(*event) string, length int, err error) {
	whole, braces, path, index := found[0], found[1] != "", found[2], found[3]+found[4]
	length = len(whole)
	if braces {
		if !strings.HasPrefix(text[length:], "}") {
			return nil, 0, fmt.Errorf("%q is not a reference", firstWord(text))
		}
		length++
	} else if strings.HasPrefix(text[length:], "(") || strings.HasPrefix(text[length:], "[") {
		return nil, 0, fmt.Errorf("%q is not evaluated", firstWord(text))
	}
	root, name, _ := strings.Cut(path, ".")
	if index != "" {
		if name != "" {
			return nil, 0, fmt.Errorf("%q is not evaluated", firstWord(text))
		}
		name = index
	}
	switch root {
	case "context":
		if value := contextVariables[name]; value != nil && index == "" {
			return func(e *event) string { return value(&e.RequestContext) }, length, nil
		}
	case "stageVariables":
		value, ok := stageVariables[name]
		if !ok {
			return nil, 0, fmt.Errorf("the stage has no variable %q", name)
		}
		return func(*event) string { return value }, length, nil
	}
	return nil, 0, fmt.Errorf("%q is not evaluated", text[:length])
}

// firstWord returns the beginning of a text, for errors.
func firstWord(text string) string {
	word := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"", r) })[0]
	return word[:min(len(word), 40)]
}

// CheckMapping returns an error for a response template of a MOCK integration
// that cannot be evaluated exactly. It may contain text, $context.NAME for the
// variables that every message has, and $stageVariables.NAME, each also with
// braces. Other parts of Velocity are refused by name.
func CheckMapping(template string, stageVariables map[string]string) error {
	_, err := parseMapping(template, stageVariables)
	return err
}

// MappingVariables returns the names after $context that a mapping template may
// have, sorted.
func MappingVariables() []string {
	var names []string
	for name := range contextVariables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// check returns an error for a mock that a route with that key cannot have.
func (m *Mock) check(key string) error {
	switch {
	case m.Status < 200 || m.Status > 599:
		return fmt.Errorf("status %d is not 200 to 599", m.Status)
	case key == connectKey && m.Status > 299:
		return errors.New("the answer to a status above 299 is not documented")
	}
	return nil
}

// integrated reports whether a message or an event of the connection leads to
// an integration of the route. It accepts nil.
func (r *servedRoute) integrated() bool { return r != nil && (r.Function != "" || r.Mock != nil) }
