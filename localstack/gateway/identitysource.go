package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
)

// identitySource is one of the values that an authorizer wants to see (A3.3).
type identitySource struct {
	from identityOrigin
	name string // of a header, query parameter or stage variable
	path []step // into the request context
}

type identityOrigin int

const (
	fromHeader identityOrigin = iota
	fromQuery
	fromContext
	fromStageVariable
)

var identityPrefixes = map[string]identityOrigin{
	"route.request.header.":      fromHeader,
	"route.request.querystring.": fromQuery,
	"context.":                   fromContext,
	"stageVariables.":            fromStageVariable,
}

// parseIdentitySource reads one expression of CreateAuthorizer's
// IdentitySource.
func parseIdentitySource(text string) (identitySource, error) {
	for prefix, from := range identityPrefixes {
		name, ok := strings.CutPrefix(text, prefix)
		if !ok || name == "" {
			continue
		}
		source := identitySource{from: from, name: name}
		if from == fromContext {
			path, err := parsePath("." + name)
			if err != nil {
				return source, fmt.Errorf("identity source %q: %w", text, err)
			}
			source.path = path
		}
		return source, nil
	}
	return identitySource{}, fmt.Errorf("identity source %q is not of the form route.request.header.X, route.request.querystring.X, context.X or stageVariables.X", text)
}

// CheckIdentitySource says what is wrong with an identity source of a REQUEST
// authorizer, if anything.
func CheckIdentitySource(text string) error {
	_, err := parseIdentitySource(text)
	return err
}

// value returns what a handshake has for the source, or "".
func (s identitySource) value(e *event) string {
	switch s.from {
	case fromHeader:
		for name, value := range e.Headers {
			if strings.EqualFold(name, s.name) {
				return value
			}
		}
	case fromQuery:
		return e.QueryStringParameters[s.name]
	case fromStageVariable:
		return e.StageVariables[s.name]
	case fromContext:
		encoded, err := json.Marshal(e.RequestContext)
		if err != nil {
			return ""
		}
		value, err := decodeBody(encoded)
		if err != nil {
			return ""
		}
		if text, err := stringify(follow(value, s.path)); err == nil {
			return text
		}
	}
	return ""
}
