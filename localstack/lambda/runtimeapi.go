package lambda

import (
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
// under /<instance id>/ below the path of Options.RuntimeAPI. It may be mounted
// with that path stripped or not. Its server must have no read or write
// timeouts, as a request for the next event waits for one, and should take
// headers of 2 MiB (http.Server.MaxHeaderBytes): the X-Ray cause of an error is
// one, of up to 1 MiB.
func (s *Service) RuntimeHandler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(http.ResponseWriter, *http.Request, *instance)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			in := s.instances[r.PathValue("instance")]
			known := in != nil && in.out != nil // nobody asks before the process is about to start
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

// serveNext ends the instance's previous invocation, or its initialization,
// and blocks until there is an event for it.
func (s *Service) serveNext(w http.ResponseWriter, r *http.Request, in *instance) {
	s.mu.Lock()
	if in.asking || in.state != StateStarting && in.state != StateResponded {
		s.mu.Unlock()
		runtimeFail(w, http.StatusForbidden, "InvalidStateTransition", "The runtime has not answered its event yet")
		return
	}
	in.asking = true
	first := in.state == StateStarting
	quiet := in.untilQuiet()
	s.mu.Unlock()
	select {
	case <-in.started: // on a busy machine a process asks before its parent has come to know its id
	case <-in.gone:
		return
	}
	select {
	case <-quiet:
	case <-in.gone:
		return
	case <-r.Context().Done():
		s.mu.Lock()
		in.kill()
		s.mu.Unlock()
		return
	}
	if first {
		in.measure()
	}

	s.mu.Lock()
	if in.state == stateGone {
		s.mu.Unlock()
		return
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
	if !s.ready(in) {
		<-in.gone
		return
	}
	select {
	case inv := <-in.wake:
		in.out.begin(inv)
		s.mu.Lock()
		in.asking = false
		s.mu.Unlock()
		if !in.delivered(inv) {
			<-in.gone
			return
		}
		writeEvent(w, in, inv)
	case <-r.Context().Done():
		// The connection is gone, and with it, as a rule, the process.
		s.mu.Lock()
		in.reclaim()
		in.kill()
		s.mu.Unlock()
	case <-in.gone:
	}
}

// ready puts an instance at its fleet's disposal, unless it is to end.
func (s *Service) ready(in *instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.state == stateGone {
		return false
	}
	f := in.fleet
	f.remove(in)
	starting := in.state == StateStarting
	if in.ending {
		return false
	}
	in.cancelTimer()
	if starting && in.bound == nil {
		f.starting--
	}
	if starting && in.bound != nil {
		in.assign(in.bound)
		return true
	}
	f.offer(in)
	return true
}

func writeEvent(w http.ResponseWriter, in *instance, inv *invocation) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", in.fleet.fn.ARN)
	h.Set("Lambda-Runtime-Trace-Id", inv.traceID)
	if inv.clientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", inv.clientContext)
	}
	// If this fails the process has ended, which answers the invocation.
	_, _ = w.Write(inv.payload)
}

func (s *Service) serveResponse(w http.ResponseWriter, r *http.Request, in *instance) {
	payload, err := readBody(r)
	if errors.Is(err, errBodyTooLarge) {
		// The library exits when it is told; the caller gets a reason.
		if s.accept(w, r, in, responseTooLarge()) {
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
	// A response that failed midway says so behind its body.
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

func (s *Service) serveError(w http.ResponseWriter, r *http.Request, in *instance) {
	o, ok := readError(w, r)
	if ok {
		in.measure()
	}
	if ok && s.accept(w, r, in, o) {
		runtimeOK(w)
	}
}

// serveInitError ends an instance that says it cannot start.
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
	in.fault = func(string) *outcome { return o }
	in.kill()
}

// accept settles the invocation that a runtime answers, or refuses: what it
// returns is whether the request is still to be answered.
func (s *Service) accept(w http.ResponseWriter, r *http.Request, in *instance, o *outcome) bool {
	accepted, lost := s.take(w, r, in, o)
	if lost {
		<-in.gone // its process is not to learn anything any more
	}
	return accepted
}

// take is accept but for waiting. A response that is lost is not accepted, and
// its process is about to end.
func (s *Service) take(w http.ResponseWriter, r *http.Request, in *instance, o *outcome) (accepted, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inv := in.inv
	switch {
	case inv == nil || inv.id != r.PathValue("id"):
		runtimeFail(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return false, false
	case in.ending && !in.stopping:
		return false, true // as it used too much memory, for one
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
		in.answered(o)
	}
	return !lost, lost
}

// runtimeError is an error object as runtimes write it.
type runtimeError struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

var errBodyTooLarge = errors.New("body is too large")

// readBody reads a body, chunked or not, and with it its trailers.
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
		return responseTooLarge(), true
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

// flush sends an answer before its reader is ended.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

func runtimeFail(w http.ResponseWriter, status int, kind, message string) {
	body, _ := json.Marshal(runtimeError{Message: message, Type: kind}) // two strings
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
