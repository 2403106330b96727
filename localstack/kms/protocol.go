package kms

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
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
	operation, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	answer, err := s.serve(operation, http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		var api *apiError
		if !errors.As(err, &api) {
			s.log.Error("kms request failed", "operation", operation, "error", err)
			api = errInternal
		}
		s.log.Debug("kms request refused", "operation", operation, "exception", api.name)
		body := map[string]string{"__type": api.name}
		if api.message != "" {
			body["message"] = api.message
		}
		w.Header().Set("X-Amzn-Errortype", api.name)
		reply(w, api.status, body)
		return
	}
	s.log.Debug("kms request", "operation", operation)
	reply(w, http.StatusOK, answer)
}

// serve returns the value to send as JSON; nil is an empty body.
func (s *Service) serve(operation string, body io.Reader) (any, error) {
	switch operation {
	case "Encrypt":
		return call(body, s.encrypt)
	case "Decrypt":
		return call(body, s.decrypt)
	case "GenerateDataKey":
		return call(body, s.generateDataKey)
	case "GenerateDataKeyWithoutPlaintext":
		return call(body, s.generateDataKeyWithoutPlaintext)
	case "GenerateRandom":
		return call(body, s.generateRandom)
	case "CreateKey":
		return call(body, s.createKey)
	case "DescribeKey":
		return call(body, s.describeKey)
	case "ListKeys":
		return call(body, s.listKeys)
	case "CreateAlias":
		return call(body, s.createAlias)
	case "ListAliases":
		return call(body, s.listAliases)
	}
	return nil, errUnknownOperation
}

// call decodes the request into the operation's input and runs it. Members
// that an operation does not know are ignored, as AWS does with them.
func call[In any](body io.Reader, operation func(In) (any, error)) (any, error) {
	var in In
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return nil, errSerialization
	}
	return operation(in)
}

// reply sends answer, or nothing if it is nil, in one piece and with its length.
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
