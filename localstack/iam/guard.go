package iam

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// permission is an action on a resource that a request needs.
type permission struct {
	action, resource string
	keys             lookup
}

// middleware is the part of a guarded handler that depends on the service.
type middleware struct {
	kind trace.Kind
	// permissions returns what a request needs, and the request to pass on. A
	// request that needs nothing passes; the service refuses malformed ones.
	permissions func(r *http.Request) (needed []permission, next *http.Request)
	// describe returns the trace event of a refusal, with the fields that
	// depend on the service.
	describe func(r *http.Request, refused permission) trace.Event
	// deny answers as the service does and returns the status.
	deny func(w http.ResponseWriter, d *Denied, requestID string) int
}

// wrap returns a handler that checks permissions and then calls next.
func (g *Guard) wrap(next http.Handler, m middleware) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := trace.CallerOf(r.Context())
		if caller.Function == "" {
			next.ServeHTTP(w, r)
			return
		}
		began := time.Now()
		needed, r := m.permissions(r)
		for _, p := range needed {
			d := g.decide(caller, p.action, p.resource, p.keys)
			if d == nil {
				continue
			}
			requestID := awsname.NewRequestID()
			g.report(caller, p, d, requestID)
			event := m.describe(r, p)
			event.Kind, event.At, event.RequestID = m.kind, began, requestID
			event.Function, event.Invocation = caller.Function, caller.Invocation
			event.Status, event.Error = m.deny(w, d, requestID), accessDenied
			event.Duration = time.Since(began)
			g.opts.Trace.Trace(event)
			return
		}
		next.ServeHTTP(w, r)
	})
}

const accessDenied = "AccessDeniedException"

// report logs a denied request. requestID is empty if the service has none.
func (g *Guard) report(caller trace.Caller, p permission, d *Denied, requestID string) {
	attributes := []any{"function", caller.Function, "action", d.Action, "resource", d.Resource,
		"remedy", g.remedy(caller, p, d), "invocation", caller.Invocation}
	if requestID != "" {
		attributes = append(attributes, "request", requestID)
	}
	g.opts.Log.Warn("permission denied", attributes...)
}

// remedy returns what to change in the template.
func (g *Guard) remedy(caller trace.Caller, p permission, d *Denied) string {
	switch d.reason {
	case identityDeny:
		return "remove or narrow the statement with Effect: Deny in the function's policies"
	case resourceDeny:
		return "remove or narrow the statement with Effect: Deny in the resource's policy"
	case boundaryDeny, noBoundary:
		return "let the permissions boundary of the function's role allow " + d.Action
	case noResourcePolicy:
		return "let the key's policy allow " + d.Action + " to the function's role or to the account"
	}
	remedy := "add " + d.Action + " on " + g.templateName(caller.Function, d.Resource) + " to the function's policies"
	r := g.known.Load().roles[caller.Function]
	if r == nil {
		return remedy // an Update has just removed the function
	}
	q := &request{
		action:   strings.ToLower(d.Action),
		resource: d.Resource,
		keys:     p.keys,
		global:   global{g, r, caller.Function},
	}
	for _, s := range r.statements {
		switch {
		case s.deny || !s.coversAction(q):
		case s.coversResource(q):
			return remedy + "; a statement allows it under a condition that this request does not meet"
		case strings.Contains(d.Resource, "/index/"):
			return remedy + "; a statement allows it on other resources, " +
				"but an index has another ARN than its table: table/NAME/index/INDEX"
		default:
			return remedy + "; a statement allows it on other resources"
		}
	}
	return remedy
}

// templateName returns how the template of a function refers to a resource. Of
// a connection it has no id, because a policy is for all connections.
func (g *Guard) templateName(function, arn string) string {
	if at := strings.Index(arn, "/@connections/"); at >= 0 {
		arn = arn[:at] + "/@connections/*"
	}
	if g.opts.TemplateName != nil {
		if name := g.opts.TemplateName(function, arn); name != "" {
			return name
		}
	}
	return arn
}

// httpKeys are the condition keys of the HTTP request.
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

// peekBody reads the body and returns a request that still has all of it. ok is
// false if the body is longer than limit bytes or cannot be read.
func peekBody(r *http.Request, limit int64) (body []byte, next *http.Request, ok bool) {
	body, err := readAll(io.LimitReader(r.Body, limit+1), r.ContentLength, limit)
	next = r.WithContext(r.Context()) // a handler must not change its request (http.Handler)
	if err != nil || int64(len(body)) > limit {
		next.Body = joined{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		return nil, next, false
	}
	next.Body = joined{bytes.NewReader(body), r.Body}
	return body, next, true
}

// readAll is io.ReadAll with the expected size.
func readAll(from io.Reader, size, limit int64) ([]byte, error) {
	if size < 0 || size > limit {
		return io.ReadAll(from)
	}
	buffer := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err := buffer.ReadFrom(from)
	return buffer.Bytes(), err
}

// joined is a body that reads from one place and closes another.
type joined struct {
	io.Reader
	io.Closer
}
