package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
)

// identitySource is a value that an authorizer requires (A3.3).
type identitySource struct {
	from identityOrigin
	name string // of a header, query parameter or stage variable
	path []step // in the request context
}

// identityOrigin is the part of an event that has the value.
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

// parseIdentitySource parses one expression of IdentitySource (API Gateway
// CreateAuthorizer).
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
	return identitySource{}, fmt.Errorf("identity source %q: want route.request.header.X, "+
		"route.request.querystring.X, context.X or stageVariables.X", text)
}

// CheckIdentitySource returns an error if text is not an identity source of a
// REQUEST authorizer.
func CheckIdentitySource(text string) error {
	_, err := parseIdentitySource(text)
	return err
}

// value returns the source's value in the event of a handshake, or "".
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
		value, err := decodeJSON(encoded)
		if err != nil {
			return ""
		}
		if text, err := stringify(follow(value, s.path)); err == nil {
			return text
		}
	}
	return ""
}
