package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxExtensions bounds the extensions of one function (Lambda quotas).
const maxExtensions = 10

// extension is an internal one, a part of the function's process that registers
// during its initialization (LDG "Lambda Extensions API"). External ones come
// in layers, which there are none of.
type extension struct {
	name   string
	invoke bool // registered for INVOKE events
	idle   bool // asks for an event, or has asked
	wake   chan []byte
}

// serveRegister registers an internal extension: aws-lambda-go does so for
// WithEnableSIGTERM, to be warned before it is stopped.
func (s *Service) serveRegister(w http.ResponseWriter, r *http.Request, in *instance) {
	name := r.Header.Get("Lambda-Extension-Name")
	if name == "" {
		runtimeFail(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	var body struct {
		Events []string `json:"events"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&body); err != nil {
		runtimeFail(w, http.StatusForbidden, "InvalidRequestFormat", "Body is not a JSON object")
		return
	}
	for _, event := range body.Events {
		switch event {
		case "INVOKE":
		case "SHUTDOWN": // an external extension's; this one gets SIGTERM
			runtimeFail(w, http.StatusForbidden, "Extension.InvalidEventType",
				event+": ShutdownEventNotSupportedForInternalExtension")
			return
		default:
			runtimeFail(w, http.StatusForbidden, "Extension.InvalidEventType", event+": ErrorInvalidEventType")
			return
		}
	}
	id := newRequestID()
	if kind, message := s.register(in, id, name, slices.Contains(body.Events, "INVOKE")); kind != "" {
		runtimeFail(w, http.StatusForbidden, kind, message)
		return
	}
	answer := struct {
		FunctionName    string `json:"functionName"`
		FunctionVersion string `json:"functionVersion"`
		Handler         string `json:"handler"`
		AccountID       string `json:"accountId,omitempty"`
	}{FunctionName: in.fleet.fn.Name, FunctionVersion: latest, Handler: in.fleet.fn.Handler}
	for feature := range strings.SplitSeq(r.Header.Get("Lambda-Extension-Accept-Feature"), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			answer.AccountID = s.opt.Account
		}
	}
	text, _ := json.Marshal(answer) // strings only
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Lambda-Extension-Identifier", id)
	_, _ = w.Write(text)
}

// register adds an extension, or says why not.
func (s *Service) register(in *instance, id, name string, invoke bool) (kind, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.state != StateStarting || in.asking {
		return "Extension.RegistrationClosed", "Extension registration closed already"
	}
	for _, e := range in.extensions {
		if e.name == name {
			return "Extension.InvalidExtensionState", "Extension with this name already registered"
		}
	}
	if len(in.extensions) == maxExtensions {
		return "Extension.TooManyExtensions", "Extension limit (10) reached"
	}
	if in.extensions == nil {
		in.extensions = make(map[string]*extension)
	}
	in.extensions[id] = &extension{name: name, invoke: invoke, wake: make(chan []byte, 1)}
	return "", ""
}

// extensionOf finds the extension that a request names, or refuses it.
func (s *Service) extensionOf(w http.ResponseWriter, r *http.Request, in *instance) *extension {
	id := r.Header.Get("Lambda-Extension-Identifier")
	if id == "" {
		runtimeFail(w, http.StatusForbidden, "Extension.MissingExtensionIdentifier",
			"Missing Lambda-Extension-Identifier header")
		return nil
	}
	s.mu.Lock()
	e := in.extensions[id]
	s.mu.Unlock()
	switch {
	case e == nil && len(id) != len(newRequestID()):
		runtimeFail(w, http.StatusForbidden, "Extension.InvalidExtensionIdentifier",
			"Invalid Lambda-Extension-Identifier")
	case e == nil:
		runtimeFail(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "Unknown extension")
	}
	return e
}

// serveExtensionNext blocks until there is an event that the extension has
// registered for. By asking it says that it is done with the one before.
func (s *Service) serveExtensionNext(w http.ResponseWriter, r *http.Request, in *instance) {
	e := s.extensionOf(w, r, in)
	if e == nil {
		return
	}
	s.mu.Lock()
	e.idle = len(e.wake) == 0 // else there is one already, whose reader went away
	if in.quiet != nil && in.extensionsIdle() {
		close(in.quiet)
		in.quiet = nil
	}
	s.mu.Unlock()
	select {
	case event := <-e.wake:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(event)
	case <-r.Context().Done():
	case <-in.gone:
	}
}

// serveExtensionError ends an instance whose extension says that it cannot
// start or go on.
func (s *Service) serveExtensionError(kind string) func(http.ResponseWriter, *http.Request, *instance) {
	return func(w http.ResponseWriter, r *http.Request, in *instance) {
		e := s.extensionOf(w, r, in)
		if e == nil {
			return
		}
		cause := r.Header.Get("Lambda-Extension-Function-Error-Type")
		if cause == "" {
			runtimeFail(w, http.StatusForbidden, "Extension.MissingHeader",
				"Lambda-Extension-Function-Error-Type not found")
			return
		}
		runtimeOK(w)
		flush(w)
		s.mu.Lock()
		defer s.mu.Unlock()
		in.fault = func(requestID string) *outcome { return faulted(requestID, kind, cause) }
		in.kill()
	}
}

// extensionsIdle reports whether all extensions wait for their next event.
// Under Service.mu, as the rest.
func (in *instance) extensionsIdle() bool {
	for _, e := range in.extensions {
		if !e.idle {
			return false
		}
	}
	return true
}

// untilQuiet is closed when all extensions wait for their next event: that ends
// the initialization or an invocation as much as the runtime's own request
// does.
func (in *instance) untilQuiet() <-chan struct{} {
	c := make(chan struct{})
	if in.extensionsIdle() {
		close(c)
	} else {
		in.quiet = c
	}
	return c
}

// tellExtensions gives the extensions that registered for it the event of an
// invocation.
func (in *instance) tellExtensions(inv *invocation) {
	var event []byte
	for _, e := range in.extensions {
		if !e.invoke {
			continue
		}
		if event == nil {
			event = invokeEvent(inv, in.fleet.fn.ARN)
		}
		e.idle = false
		e.wake <- event // empty, as the extension was idle
	}
}

func invokeEvent(inv *invocation, arn string) []byte {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	event, _ := json.Marshal(struct { // strings and a number
		EventType  string  `json:"eventType"`
		DeadlineMs int64   `json:"deadlineMs"`
		RequestID  string  `json:"requestId"`
		ARN        string  `json:"invokedFunctionArn"`
		Tracing    tracing `json:"tracing"`
	}{"INVOKE", inv.deadline.UnixMilli(), inv.id, arn, tracing{"X-Amzn-Trace-Id", inv.traceID}})
	return event
}

// shutdownGrace is what a process with a registered internal extension has
// between SIGTERM and SIGKILL (LDG "Lambda Extensions API", shutdown phase).
const shutdownGrace = 500 * time.Millisecond
