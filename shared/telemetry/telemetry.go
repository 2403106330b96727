// Package telemetry makes the functions' log: one JSON object per line, with
// the invocation's request id, and with anything that could be a key, a token
// or a text taken out before it is written.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"regexp"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// NewLogger returns the logger of one function.
func NewLogger(w io.Writer, function string) *slog.Logger {
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: redact})
	return slog.New(requestID{h}).With("function", function)
}

// requestID adds the invocation's id to each record, so that one id links the
// lines of a function with those of the gateway.
type requestID struct{ slog.Handler }

func (h requestID) Handle(ctx context.Context, r slog.Record) error {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("requestId", lc.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h requestID) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestID{h.Handler.WithAttrs(attrs)}
}

func (h requestID) WithGroup(name string) slog.Handler { return requestID{h.Handler.WithGroup(name)} }

// tokens matches compact JWS and JWE, whole or cut short: base64url of `{"`
// and what hangs on it.
var tokens = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)

// secrets are the names of attributes that are never logged.
var secrets = map[string]bool{"body": true, "jwe": true, "jws": true, "proof": true, "plaintext": true,
	"key": true, "nonce": true}

// redact is the last line of defence: no call logs a secret on purpose, but an
// error's text may carry what it was about.
func redact(_ []string, a slog.Attr) slog.Attr {
	if secrets[a.Key] {
		return slog.String(a.Key, "[redacted]")
	}
	var text string
	switch v := a.Value.Any().(type) {
	case string:
		text = v
	case error:
		text = v.Error()
	default:
		return a
	}
	return slog.String(a.Key, tokens.ReplaceAllString(text, "[token]"))
}
