package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

const (
	// maxExtensions bounds the extensions of one function (Lambda quotas).
	maxExtensions = 10
	// identifierLength is the length of an extension's identifier, a UUID.
	identifierLength = 36
)

// extension is an internal extension: a part of the function's process that
// registers during its initialization (LDG "Lambda Extensions API"). External
// extensions come in layers, which are not implemented locally.
type extension struct {
	name   string
	invoke bool // registered for INVOKE events
	idle   bool // has asked for its next event
	wake   chan []byte
}

// serveRegister registers an internal extension. aws-lambda-go registers one
// for WithEnableSIGTERM, because only functions with extensions get SIGTERM
// before they are stopped.
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
		case "SHUTDOWN": // for external extensions; internal ones get SIGTERM
			runtimeFail(w, http.StatusForbidden, "Extension.InvalidEventType",
				event+": ShutdownEventNotSupportedForInternalExtension")
			return
		default:
			runtimeFail(w, http.StatusForbidden, "Extension.InvalidEventType", event+": ErrorInvalidEventType")
			return
		}
	}
	id := awsname.NewRequestID()
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
	text, _ := json.Marshal(answer) // cannot fail: strings
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Lambda-Extension-Identifier", id)
	_, _ = w.Write(text)
}

// register adds an extension. It returns the type and the message of an error,
// or two empty strings.
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

// extensionOf returns the extension that a request names, or refuses the
// request and returns nil.
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
	case e == nil && len(id) != identifierLength:
		runtimeFail(w, http.StatusForbidden, "Extension.InvalidExtensionIdentifier",
			"Invalid Lambda-Extension-Identifier")
	case e == nil:
		runtimeFail(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "Unknown extension")
	}
	return e
}

// serveExtensionNext blocks until there is an event that the extension has
// registered for. The request also means that the extension has finished the
// previous event.
func (s *Service) serveExtensionNext(w http.ResponseWriter, r *http.Request, in *instance) {
	e := s.extensionOf(w, r, in)
	if e == nil {
		return
	}
	s.mu.Lock()
	e.idle = len(e.wake) == 0 // otherwise an event waits whose reader went away
	if in.whenIdle != nil && in.extensionsIdle() {
		close(in.whenIdle)
		in.whenIdle = nil
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

// serveExtensionError ends an instance whose extension reports that it cannot
// start or continue.
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
		in.cause = func(requestID string) *outcome { return crashOutcome(requestID, kind, cause) }
		in.kill()
	}
}

// extensionsIdle reports whether all extensions wait for their next event. The
// caller holds Service.mu, as for the functions below.
func (in *instance) extensionsIdle() bool {
	for _, e := range in.extensions {
		if !e.idle {
			return false
		}
	}
	return true
}

// untilExtensionsIdle returns a channel that is closed when all extensions wait
// for their next event. An initialization or invocation ends only when both the
// runtime and all extensions have asked for the next event.
func (in *instance) untilExtensionsIdle() <-chan struct{} {
	c := make(chan struct{})
	if in.extensionsIdle() {
		close(c)
	} else {
		in.whenIdle = c
	}
	return c
}

// notifyExtensions sends the event of an invocation to the extensions that
// registered for INVOKE.
func (in *instance) notifyExtensions(inv *invocation) {
	var event []byte
	for _, e := range in.extensions {
		if !e.invoke {
			continue
		}
		if event == nil {
			event = invokeEvent(inv, inv.invokedARN)
		}
		e.idle = false
		e.wake <- event // does not block: the extension was idle
	}
}

// invokeEvent returns the INVOKE event of an invocation.
func invokeEvent(inv *invocation, arn string) []byte {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	event, _ := json.Marshal(struct { // cannot fail: strings and a number
		EventType  string  `json:"eventType"`
		DeadlineMs int64   `json:"deadlineMs"`
		RequestID  string  `json:"requestId"`
		ARN        string  `json:"invokedFunctionArn"`
		Tracing    tracing `json:"tracing"`
	}{"INVOKE", inv.deadline.UnixMilli(), inv.id, arn, tracing{"X-Amzn-Trace-Id", inv.traceID}})
	return event
}

// shutdownGrace is the time between SIGTERM and SIGKILL for a process with an
// internal extension (LDG "Lambda Extensions API", shutdown phase).
const shutdownGrace = 500 * time.Millisecond
