package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RuntimeHandler serves the Runtime API and the Extensions API to instances,
// under /<instance id>/ below the path of Options.RuntimeAPI. It works with and
// without that path stripped. Its server must have no read or write timeouts,
// because a request for the next event blocks until there is one. It should
// accept headers of 2 MiB (http.Server.MaxHeaderBytes), because the X-Ray cause
// of an error is a header of up to 1 MiB.
func (s *Service) RuntimeHandler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(http.ResponseWriter, *http.Request, *instance)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			in := s.instances[r.PathValue("instance")]
			known := in != nil && in.out != nil // out is set before the process starts
			s.mu.Unlock()
			if !known {
				runtimeFail(w, http.StatusForbidden, "InvalidStateTransition",
					"There is no such instance, or it has ended")
				return
			}
			serve(w, r, in)
		})
	}
	const runtime = "/{instance}/2018-06-01/runtime"
	handle("GET "+runtime+"/invocation/next", s.serveNext)
	handle("POST "+runtime+"/invocation/{id}/response", s.serveResponse)
	handle("POST "+runtime+"/invocation/{id}/error", s.serveError)
	handle("POST "+runtime+"/init/error", s.serveInitError)
	handle("POST /{instance}/2020-01-01/extension/register", s.serveRegister)
	handle("GET /{instance}/2020-01-01/extension/event/next", s.serveExtensionNext)
	handle("POST /{instance}/2020-01-01/extension/init/error", s.serveExtensionError("Extension.InitError"))
	handle("POST /{instance}/2020-01-01/extension/exit/error", s.serveExtensionError("Extension.ExitError"))

	_, prefix, _ := strings.Cut(s.opt.RuntimeAPI, "/")
	if prefix == "" {
		return mux
	}
	prefix = "/" + prefix
	stripped := http.StripPrefix(prefix, mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix+"/") {
			stripped.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// serveNext ends the instance's initialization or previous invocation, and
// blocks until there is an event for it.
func (s *Service) serveNext(w http.ResponseWriter, r *http.Request, in *instance) {
	first, idle, ok := s.beginNext(in)
	if !ok {
		runtimeFail(w, http.StatusForbidden, "InvalidStateTransition", "The runtime has not answered its event yet")
		return
	}
	if !s.awaitExtensions(r.Context(), in, idle) {
		return
	}
	if first {
		in.measure()
	}
	if !s.finishPhase(in, first) {
		return
	}
	if !s.ready(in) {
		<-in.gone
		return
	}
	s.serveEvent(w, r, in)
}

// beginNext starts a request for the next event. idle is closed when all
// extensions are idle. ok is false if the runtime must not ask now.
func (s *Service) beginNext(in *instance) (first bool, idle <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.asking || in.state != StateStarting && in.state != StateResponded {
		return false, nil, false
	}
	in.asking = true
	return in.state == StateStarting, in.untilExtensionsIdle(), true
}

// awaitExtensions waits until the extensions are idle. It returns false if the
// instance ends first.
func (s *Service) awaitExtensions(ctx context.Context, in *instance, idle <-chan struct{}) bool {
	select {
	case <-in.started: // on a busy machine the process asks before its pid is recorded
	case <-in.gone:
		return false
	}
	select {
	case <-idle:
		return true
	case <-in.gone:
	case <-ctx.Done():
		s.mu.Lock()
		in.kill()
		s.mu.Unlock()
	}
	return false
}

// finishPhase ends the initialization (first) or the previous invocation: it
// records the durations and writes the end of the invocation's log. It returns
// false if the instance has ended.
func (s *Service) finishPhase(in *instance, first bool) bool {
	s.mu.Lock()
	if in.state == stateGone {
		s.mu.Unlock()
		return false
	}
	finished, memory := in.inv, in.memory
	in.inv = nil
	if first {
		in.initDuration = time.Since(in.created)
	}
	if finished != nil {
		finished.used = time.Since(finished.start)
		in.lastDuration = finished.used
	}
	s.mu.Unlock()

	in.out.sync()
	if finished != nil {
		in.out.report(finished, memory)
		finished.finish()
	}
	return true
}

// ready makes an instance available to its fleet. It returns false if the
// instance is ending.
func (s *Service) ready(in *instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.state == stateGone {
		return false
	}
	f := in.fleet
	f.remove(in)
	if in.ending {
		return false
	}
	in.cancelTimer()
	if in.state == StateStarting {
		if in.bound != nil {
			in.assign(in.bound)
			return true
		}
		f.starting--
		in.state = StateIdle // handleExit must not take a later exit for a failed start
	}
	f.offer(in)
	return true
}

// serveEvent waits for an event and writes it to the process.
func (s *Service) serveEvent(w http.ResponseWriter, r *http.Request, in *instance) {
	select {
	case inv := <-in.wake:
		in.out.begin(inv)
		s.mu.Lock()
		in.asking = false
		s.mu.Unlock()
		if !in.mayDeliver(inv) {
			<-in.gone
			return
		}
		writeEvent(w, in, inv)
	case <-r.Context().Done():
		// The connection is closed, usually because the process has ended.
		s.mu.Lock()
		in.requeue()
		in.kill()
		s.mu.Unlock()
	case <-in.gone:
	}
}

// writeEvent writes an event with its headers.
func writeEvent(w http.ResponseWriter, in *instance, inv *invocation) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.invokedARN)
	h.Set("Lambda-Runtime-Trace-Id", inv.traceID)
	if inv.clientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", inv.clientContext)
	}
	// If this fails, the process has ended, and handleExit settles the
	// invocation.
	_, _ = w.Write(inv.payload)
}

// serveResponse handles the response to an event.
func (s *Service) serveResponse(w http.ResponseWriter, r *http.Request, in *instance) {
	payload, err := readBody(r)
	if errors.Is(err, errBodyTooLarge) {
		// The library exits after this answer; the caller gets an error object.
		if s.accept(w, r, in, tooLargeOutcome()) {
			runtimeFail(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
				"Exceeded maximum allowed payload size ("+strconv.Itoa(maxResponse)+" bytes).")
		}
		return
	}
	if err != nil {
		runtimeFail(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	}
	in.measure()
	o := &outcome{payload: payload}
	// A streamed response that fails reports its error in trailers.
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		o.errorType = kind
		o.payload, err = base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		if err != nil || len(o.payload) == 0 {
			o.payload, _ = json.Marshal(runtimeError{Type: kind})
		}
	}
	if s.accept(w, r, in, o) {
		runtimeOK(w)
	}
}

// serveError handles the error of a handler.
func (s *Service) serveError(w http.ResponseWriter, r *http.Request, in *instance) {
	o, ok := readError(w, r)
	if ok {
		in.measure()
	}
	if ok && s.accept(w, r, in, o) {
		runtimeOK(w)
	}
}

// serveInitError ends an instance whose runtime reports that it cannot start.
func (s *Service) serveInitError(w http.ResponseWriter, r *http.Request, in *instance) {
	o, ok := readError(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.state != StateStarting || in.asking {
		runtimeFail(w, http.StatusForbidden, "InvalidStateTransition", "The runtime has been initialized")
		return
	}
	runtimeOK(w)
	flush(w)
	in.cause = func(string) *outcome { return o }
	in.kill()
}

// accept settles the invocation that a runtime answers, or refuses the request.
// It returns true if the caller must still answer the request.
func (s *Service) accept(w http.ResponseWriter, r *http.Request, in *instance, o *outcome) bool {
	accepted, lost := s.settleResponse(w, r, in, o)
	if lost {
		<-in.gone // the process must not get an answer
	}
	return accepted
}

// settleResponse is accept without the wait. A lost response is not accepted,
// and its process is about to end.
func (s *Service) settleResponse(w http.ResponseWriter, r *http.Request, in *instance,
	o *outcome) (accepted, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inv := in.inv
	switch {
	case inv == nil || inv.id != r.PathValue("id"):
		runtimeFail(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return false, false
	case in.ending && !in.stopping:
		return false, true // for example because it used too much memory
	case in.state == StateResponded || inv.outcome != nil:
		runtimeFail(w, http.StatusForbidden, "InvalidStateTransition", "The event has been answered")
		return false, false
	}
	if s.opt.Faults != nil {
		var kill bool
		if kill, lost = s.opt.Faults.Answered(in.fleet.fn.Name); kill {
			defer in.kill()
		}
	}
	if !lost {
		in.handleResponse(o)
	}
	return !lost, lost
}

// runtimeError is an error object in the form of the runtimes.
type runtimeError struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

var errBodyTooLarge = errors.New("body is too large")

// readBody reads a body, chunked or not, together with its trailers.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err == nil && len(body) > maxResponse {
		err = errBodyTooLarge
	}
	return body, err
}

// readError reads an error object, or refuses the request.
func readError(w http.ResponseWriter, r *http.Request) (o *outcome, ok bool) {
	body, err := readBody(r)
	if errors.Is(err, errBodyTooLarge) {
		return tooLargeOutcome(), true
	}
	if err != nil {
		runtimeFail(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return nil, false
	}
	kind := r.Header.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		var object runtimeError
		if json.Unmarshal(body, &object) == nil {
			kind = object.Type
		}
	}
	if kind == "" {
		kind = "Unhandled"
	}
	return &outcome{payload: body, errorType: kind}, true
}

func runtimeOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

// flush sends the answer before its reader is killed.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

func runtimeFail(w http.ResponseWriter, status int, kind, message string) {
	body, _ := json.Marshal(runtimeError{Message: message, Type: kind}) // cannot fail: two strings
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
