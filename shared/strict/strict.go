// Package strict reads and writes JSON in the one way the project allows.
//
// Use it for everything that crosses a trust boundary: frames, token headers,
// claims, plaintexts, stored records. encoding/json reads member names without
// regard to case and lets the last of two equal names win, so two readers of
// one signed text can see two different messages ({"body":…,"Body":…}).
// This package refuses every such text.
//
// Go and web clients must accept and refuse the same bytes, or one signed text
// is a message for some and a gap for others. So the package also refuses what
// readers of JSON disagree about: more than MaxDepth levels, and numbers that
// are not integers below 2⁵³. The vectors for both are in testdata.
//
// It never writes HTML escapes, since an escaped "<" takes six bytes of a
// frame, whose size API Gateway limits. Its errors never quote the input, which
// may be a decrypted message.
package strict

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// options is built once: joining options allocates. The first three are the
// library's defaults, written out because the protocol depends on them.
var options = json.JoinOptions(
	jsontext.AllowDuplicateNames(false),
	jsontext.AllowInvalidUTF8(false),
	json.MatchCaseInsensitiveNames(false),
	jsontext.EscapeForHTML(false),
	jsontext.EscapeForJS(false),
	json.Deterministic(true),
)

// Unmarshal decodes exactly one JSON value into v, which must be a pointer.
// Member names are matched case-exactly and unknown members are ignored.
// It fails on duplicate names, invalid UTF-8, lone surrogates, more than
// MaxDepth levels of nesting, a number that is not an integer from -(2⁵³-1) to
// 2⁵³-1 (-0 is none), and anything but white space after the value.
// When it fails, v may be partly filled and must not be used.
func Unmarshal(data []byte, v any) error { return unmarshal(data, v, options) }

func unmarshal(data []byte, v any, how json.Options) error {
	if err := scan(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v, how); err != nil {
		return redact(err)
	}
	return nil
}

// Marshal encodes v compactly, with map keys in sorted order and without HTML
// escapes. It fails on invalid UTF-8 instead of replacing it.
func Marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v, options)
	if err != nil {
		return nil, redact(err)
	}
	return data, nil
}

// redacted has the kind and the place of a failure, and no text of the input.
type redacted struct {
	what   string
	offset int64
	cause  error // from a type's own method; for errors.Is, never printed
}

func (e *redacted) Error() string {
	return fmt.Sprintf("strict JSON: %s at byte %d", e.what, e.offset)
}

func (e *redacted) Unwrap() error { return e.cause }

// redact replaces the library's error texts, which quote member names and
// values.
func redact(err error) error {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return &redacted{what: "value of the wrong kind", offset: semantic.ByteOffset, cause: semantic.Err}
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		what := "malformed text"
		if errors.Is(err, json.ErrUnknownName) {
			what = "unknown member"
		}
		if errors.Is(err, jsontext.ErrDuplicateName) {
			what = "duplicate member name"
		}
		return &redacted{what: what, offset: syntactic.ByteOffset}
	}
	return &redacted{what: "unreadable text"}
}
