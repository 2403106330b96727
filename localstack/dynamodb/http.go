package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// maxBody is the largest request body in bytes (API reference, BatchWriteItem:
// 16 MB).
const maxBody = 16 << 20

// maxAnnounced bounds the bytes that are allocated by the Content-Length
// header, before the body arrives.
const maxAnnounced = 1 << 20

const contentType = "application/x-amz-json-1.0"

// codeDropped is the error code in the trace of a request whose connection was
// dropped on purpose. No response has it.
const codeDropped = "ConnectionDropped"

// ServeHTTP answers one request of the JSON 1.0 protocol. It emits a trace
// event for every request, also when the connection is dropped on purpose.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID, began := awsname.NewDynamoDBRequestID(), time.Now()
	observed := &observation{operation: operationName(r)}
	r = r.WithContext(context.WithValue(r.Context(), observationKey{}, observed))
	event := trace.Event{At: began, RequestID: requestID, Operation: observed.operation, Status: http.StatusOK}
	body, err := e.handle(r)
	dropped := false
	if lost, ok := errors.AsType[lostAnswer](err); ok {
		lost.wait(r.Context())
		dropped, err = !lost.Internal, internalServerError()
	}
	switch {
	case dropped:
		event.Status, event.Error = 0, codeDropped
	case err != nil:
		var api *apiError
		api, body = e.errorBody(err, r, requestID)
		event.Status, event.Error = api.status, api.code
	}
	// Emit before responding, so that a client that has the response, or has
	// lost its connection, finds the event.
	e.emit(r.Context(), observed, event)
	if dropped {
		panic(http.ErrAbortHandler) // net/http closes the connection
	}
	respond(w, event.Status, requestID, body)
}

func respond(w http.ResponseWriter, status int, requestID string, body []byte) {
	h := w.Header()
	// The names are in canonical form, so Set is not needed.
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["X-Amzn-Requestid"] = []string{requestID}
	h["X-Amz-Crc32"] = []string{strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)}
	w.WriteHeader(status)
	w.Write(body)
}

// handle runs the operation that r asks for and returns the body of its
// response. A panic of the operation becomes an error.
func (e *Engine) handle(r *http.Request) (result []byte, err error) {
	name, run, err := route(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if e.opts.Faults != nil {
		if err := e.opts.Faults.Before(name, Request{body}).refuse(Request{body}); err != nil {
			return nil, err
		}
	}
	result, err = run(e, context.WithValue(r.Context(), hostKey{}, r.Host), body)
	if err == nil && e.opts.Faults != nil {
		if l := e.opts.Faults.After(name, Request{body}); l.Lost {
			return nil, lostAnswer{l}
		}
	}
	return result, err
}

// operationName returns the operation that the request names, whether or not it
// is implemented.
func operationName(r *http.Request) string {
	target := r.Header.Get("X-Amz-Target")
	return target[strings.LastIndexByte(target, '.')+1:]
}

// route returns the operation that r asks for.
func route(r *http.Request) (name string, run operation, err error) {
	name, run = operationAt(r.Header.Get("X-Amz-Target"))
	if run == nil || r.Method != http.MethodPost {
		return "", nil, serviceError("UnknownOperationException", "%s", unknownOperation(name))
	}
	if r.Header.Get("Authorization") == "" && !r.URL.Query().Has("X-Amz-Signature") {
		return "", nil, serviceError("MissingAuthenticationTokenException", "Request is missing Authentication Token")
	}
	return name, run, nil
}

func unknownOperation(name string) string {
	if name == "" {
		return "The request names no operation of DynamoDB_20120810 in X-Amz-Target"
	}
	return "The operation " + name + " is not implemented locally"
}

func readBody(r *http.Request) ([]byte, error) {
	var body bytes.Buffer
	// Preallocate by Content-Length, up to maxAnnounced.
	body.Grow(int(min(max(r.ContentLength, 0), maxAnnounced)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(nil, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		e := serviceError("RequestEntityTooLargeException", "The request is larger than %d bytes", maxBody)
		e.status = http.StatusRequestEntityTooLarge
		return nil, e
	}
	if err != nil {
		return nil, serviceError("SerializationException", "The request body ended early")
	}
	return body.Bytes(), nil
}

// errorBody returns the error that the client sees and its JSON. The detail of
// an internal error is logged only.
func (e *Engine) errorBody(err error, r *http.Request, requestID string) (api *apiError, body []byte) {
	api, internal := asAPIError(err)
	if internal && !errors.Is(err, context.Canceled) {
		e.opts.Log.Error("request failed", "operation", operationName(r), "request", requestID,
			"invocation", trace.CallerOf(r.Context()).Invocation, "err", err)
	}
	members := map[string]any{"__type": api.namespace + api.code}
	if api.reasons != nil {
		members["CancellationReasons"] = api.reasons
		members["Message"] = api.message
	} else {
		members["message"] = api.message
	}
	if api.item != nil {
		members["Item"] = api.item
	}
	body, err = json.Marshal(members)
	if err != nil {
		e.opts.Log.Error("failed to encode an error", "request", requestID, "err", err)
		return internalServerError(), []byte("{}")
	}
	return api, body
}
