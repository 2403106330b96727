package kms

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

const (
	targetPrefix = "TrentService." // the service's name on the wire (X-Amz-Target)
	contentType  = "application/x-amz-json-1.1"
	// maxRequest is well above the largest legal request: a ciphertext of 6,144
	// bytes and an encryption context of 8,192 characters.
	maxRequest = 256 << 10
)

// ServeHTTP answers one request of KMS's JSON 1.1 protocol. Credentials are
// not looked at: whoever reaches the handler may use every key.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller := trace.CallerOf(r.Context())
	operation, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	event := trace.Event{
		Kind:       trace.Request,
		At:         time.Now(),
		RequestID:  newRequestID(),
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
	s.log.Debug("kms request", "operation", operation, "key", event.Resource, "error", event.Error,
		"request", event.RequestID, "invocation", event.Invocation)
	reply(w, event.Status, answer)
}

// shape makes an error an answer; what the client must not see goes to the log.
func (s *Service) shape(err error, e trace.Event) *apiError {
	var api *apiError
	if errors.As(err, &api) {
		return api
	}
	s.log.Error("kms request failed", "operation", e.Operation, "request", e.RequestID, "error", err)
	return errInternal
}

// newRequestID is a random UUID (RFC 9562 §5.4), as KMS's request ids are.
func newRequestID() string {
	id, err := newKeyID(false)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return id
}

// serve returns the value to send as JSON, nil for an empty body, and the id of
// the key that the request is about, if it is about one that exists.
func (s *Service) serve(operation string, body io.Reader) (answer any, key string, err error) {
	switch operation {
	case "Encrypt":
		return call(s, body, s.encrypt)
	case "Decrypt":
		return call(s, body, s.decrypt)
	case "ReEncrypt":
		return call(s, body, s.reEncrypt)
	case "Sign":
		return call(s, body, s.sign)
	case "Verify":
		return call(s, body, s.verify)
	case "GetPublicKey":
		return call(s, body, s.getPublicKey)
	case "GenerateMac":
		return call(s, body, s.generateMac)
	case "VerifyMac":
		return call(s, body, s.verifyMac)
	case "GenerateDataKey":
		return call(s, body, s.generateDataKey)
	case "GenerateDataKeyWithoutPlaintext":
		return call(s, body, s.generateDataKeyWithoutPlaintext)
	case "GenerateRandom":
		return call(s, body, s.generateRandom)
	case "CreateKey":
		return call(s, body, s.createKey)
	case "DescribeKey":
		return call(s, body, s.describeKey)
	case "ListKeys":
		return call(s, body, s.listKeys)
	case "EnableKey":
		return call(s, body, s.changing(enabling(true)))
	case "DisableKey":
		return call(s, body, s.changing(enabling(false)))
	case "EnableKeyRotation":
		return call(s, body, s.changing(rotating(true)))
	case "DisableKeyRotation":
		return call(s, body, s.changing(rotating(false)))
	case "GetKeyRotationStatus":
		return call(s, body, s.getKeyRotationStatus)
	case "ScheduleKeyDeletion":
		return call(s, body, s.scheduleKeyDeletion)
	case "CancelKeyDeletion":
		return call(s, body, s.cancelKeyDeletion)
	case "CreateAlias":
		return call(s, body, s.createAlias)
	case "UpdateAlias":
		return call(s, body, s.updateAlias)
	case "DeleteAlias":
		return call(s, body, s.deleteAlias)
	case "ListAliases":
		return call(s, body, s.listAliases)
	}
	return nil, "", errUnknownOperation
}

// call decodes the request into the operation's input and runs it. Members
// that an operation does not know are ignored, as AWS does with them.
func call[In any](s *Service, body io.Reader, operation func(In) (any, error)) (answer any, key string, err error) {
	var in In
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return nil, "", errSerialization
	}
	if named, ok := any(in).(interface{ names() (string, []byte) }); ok {
		if k := s.find(named.names()); k != nil {
			key = k.id
		}
	}
	answer, err = operation(in)
	return answer, key, err
}

// reply sends answer, or nothing if it is nil, in one piece and with its
// length.
func reply(w http.ResponseWriter, status int, answer any) {
	var body []byte
	if answer != nil {
		var err error
		if body, err = json.Marshal(answer); err != nil {
			panic(err) // answers are structs of strings, numbers and bytes
		}
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only for a client that has gone
}
