package iam

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// demand is one permission that a request needs.
type demand struct {
	action, resource string
	keys             lookup
}

// guard is what one service's middleware is made of.
type guard struct {
	kind trace.Kind
	// demands reads what a request needs and returns the request to hand on. No
	// demands let it pass: the service will refuse what is malformed.
	demands func(r *http.Request) (needs []demand, on *http.Request)
	// operation and names say what a refusal's trace event is about.
	describe func(r *http.Request, refused demand) trace.Event
	// deny answers as the service does; it returns the status.
	deny func(w http.ResponseWriter, d *Denied, requestID string) int
}

// wrap puts s in front of next.
func (g *Guard) wrap(next http.Handler, s guard) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := trace.CallerOf(r.Context())
		if caller.Function == "" {
			next.ServeHTTP(w, r)
			return
		}
		began := time.Now()
		needs, on := s.demands(r)
		for _, need := range needs {
			d := g.decide(caller, need.action, need.resource, need.keys)
			if d == nil {
				continue
			}
			requestID := newRequestID()
			g.report(caller, need, d, requestID)
			event := s.describe(on, need)
			event.Kind, event.At, event.RequestID = s.kind, began, requestID
			event.Function, event.Invocation = caller.Function, caller.Invocation
			event.Status, event.Error = s.deny(w, d, requestID), accessDenied
			event.Duration = time.Since(began)
			g.opts.Trace.Trace(event)
			return
		}
		next.ServeHTTP(w, on)
	})
}

const accessDenied = "AccessDeniedException"

// report writes the one line of a denied request.
func (g *Guard) report(caller trace.Caller, need demand, d *Denied, requestID string) {
	about := []any{"function", caller.Function, "action", d.Action, "resource", d.Resource,
		"remedy", g.remedy(caller, need, d), "invocation", caller.Invocation}
	if requestID != "" {
		about = append(about, "request", requestID)
	}
	g.opts.Log.Warn("permission denied", about...)
}

// remedy says what to change in the template.
func (g *Guard) remedy(caller trace.Caller, need demand, d *Denied) string {
	switch d.reason {
	case identityDeny:
		return "remove or narrow the statement with Effect: Deny in the function's policies"
	case resourceDeny:
		return "remove or narrow the statement with Effect: Deny in the resource's own policy"
	case boundaryDeny, noBoundary:
		return "let the permissions boundary of the function's role allow " + d.Action
	case noResourcePolicy:
		return "let the key's policy allow " + d.Action + " to the function's role or to the account"
	}
	remedy := "add " + d.Action + " on " + d.Resource + " to the function's policies"
	r := g.known.Load().roles[caller.Function]
	if r == nil {
		return remedy // an update has just removed the function
	}
	q := &request{
		action:   strings.ToLower(d.Action),
		resource: d.Resource,
		keys:     need.keys,
		global:   global{g, r, caller.Function},
	}
	for _, s := range r.statements {
		switch {
		case s.deny || !s.coversAction(q):
		case s.coversResource(q):
			return remedy + "; a statement allows it under a condition that this request does not meet"
		case strings.Contains(d.Resource, "/index/"):
			remedy += "; a statement allows it on other resources: an index has an ARN of its own, table/NAME/index/INDEX"
			return remedy
		default:
			return remedy + "; a statement allows it on other resources"
		}
	}
	return remedy
}

// httpKeys are the condition keys that the HTTP request itself has.
type httpKeys struct{ r *http.Request }

func (k httpKeys) lookup(name string) ([]string, bool) {
	switch name {
	case "aws:sourceip":
		host, _, err := net.SplitHostPort(k.r.RemoteAddr)
		return []string{host}, err == nil
	case "aws:useragent":
		agent := k.r.UserAgent()
		return []string{agent}, agent != ""
	}
	return nil, false
}

// takeBody reads the body, if it has at most limit bytes, and returns a
// request that has it still. Without a body to look at ok is false; the
// request is whole all the same.
func takeBody(r *http.Request, limit int64) (body []byte, on *http.Request, ok bool) {
	body, err := readAll(io.LimitReader(r.Body, limit+1), r.ContentLength, limit)
	on = r.WithContext(r.Context()) // handlers do not change the request that they are given
	if err != nil || int64(len(body)) > limit {
		on.Body = joined{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		return nil, on, false
	}
	on.Body = joined{bytes.NewReader(body), r.Body}
	return body, on, true
}

// readAll is io.ReadAll with a first guess at the size.
func readAll(from io.Reader, size, limit int64) ([]byte, error) {
	if size < 0 || size > limit {
		return io.ReadAll(from)
	}
	buffer := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err := buffer.ReadFrom(from)
	return buffer.Bytes(), err
}

// joined is a body read from one place and closed at another.
type joined struct {
	io.Reader
	io.Closer
}

// newRequestID is a random UUID (RFC 9562 §5.4).
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
