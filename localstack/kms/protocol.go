package kms

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

const (
	targetPrefix = "TrentService." // the service's name on the wire (X-Amz-Target)
	contentType  = "application/x-amz-json-1.1"
	// maxRequest is well above the largest legal request: a ciphertext of 6,144
	// bytes and an encryption context of 8,192 characters.
	maxRequest = 256 << 10
)

// ServeHTTP answers one request of KMS's JSON 1.1 protocol. It checks neither
// the signature nor permissions: every caller may use every key.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller := trace.CallerOf(r.Context())
	operation, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	event := trace.Event{
		Kind:       trace.Request,
		At:         time.Now(),
		RequestID:  awsname.NewRequestID(),
		Operation:  operation,
		Status:     http.StatusOK,
		Function:   caller.Function,
		Invocation: caller.Invocation,
	}
	w.Header().Set("X-Amzn-Requestid", event.RequestID)
	answer, key, err := s.serve(operation, http.MaxBytesReader(w, r.Body, maxRequest))
	event.Resource = key
	if err != nil {
		api := s.shape(err, event)
		event.Status, event.Error = api.status, api.name
		body := map[string]string{"__type": api.name}
		if api.message != "" {
			body["message"] = api.message
		}
		answer = body
		w.Header().Set("X-Amzn-Errortype", api.name)
	}
	event.Duration = time.Since(event.At)
	// Emit before responding, so that a client that has the response finds the
	// event.
	s.trace.Trace(event)
	s.log.Debug("kms request", "operation", operation, "resource", event.Resource, "code", event.Error,
		"request", event.RequestID, "invocation", event.Invocation)
	respond(w, event.Status, answer)
}

// shape returns the exception that the client gets for err. An error that is
// not for the client is logged and becomes errInternal.
func (s *Service) shape(err error, e trace.Event) *apiError {
	if api, ok := errors.AsType[*apiError](err); ok {
		return api
	}
	s.log.Error("kms request failed", "operation", e.Operation, "request", e.RequestID, "err", err)
	return errInternal
}

// serve runs the operation. It returns the value to send as JSON, nil for an
// empty body, and the id of the key that the request names, "" if it names none
// that exists.
func (s *Service) serve(operation string, body io.Reader) (answer any, key string, err error) {
	run, ok := operations[operation]
	if !ok {
		return nil, "", errUnknownOperation(operation)
	}
	return run(s, body)
}

// respond writes answer as JSON, or an empty body if it is nil, with its
// length.
func respond(w http.ResponseWriter, status int, answer any) {
	var body []byte
	if answer != nil {
		var err error
		if body, err = json.Marshal(answer); err != nil {
			panic(err) // cannot happen: answers are structs of strings, numbers and bytes
		}
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the client has closed the connection
}
