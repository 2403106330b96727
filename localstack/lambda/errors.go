package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// ErrClosed is returned for work that comes, or still waits, when the service
// is closed.
var ErrClosed = errors.New("lambda service is closed")

// Error is a refusal of the Lambda API, before any function has run.
type Error struct {
	// Code is AWS's name of the exception, such as ResourceNotFoundException.
	Code string
	// Status is the HTTP status of the Lambda API.
	Status  int
	Message string
	// Reason says which limit was hit, for TooManyRequestsException.
	Reason string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The exceptions of Invoke (API reference, Invoke) that can happen here.
const (
	CodeNotFound         = "ResourceNotFoundException"
	CodeThrottled        = "TooManyRequestsException"
	CodeTooLarge         = "RequestTooLargeException"
	CodeInvalidContent   = "InvalidRequestContentException"
	CodeInvalidParameter = "InvalidParameterValueException"
)

func notFound(arn string) *Error {
	return &Error{Code: CodeNotFound, Status: http.StatusNotFound, Message: "Function not found: " + arn}
}

func throttled(reason string) *Error {
	return &Error{Code: CodeThrottled, Status: http.StatusTooManyRequests, Message: "Rate Exceeded.", Reason: reason}
}

func tooLarge(limit int) *Error {
	return &Error{
		Code:    CodeTooLarge,
		Status:  http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit),
	}
}

func invalidContent(cause error) *Error {
	return &Error{
		Code:    CodeInvalidContent,
		Status:  http.StatusBadRequest,
		Message: "Could not parse request body into json: " + cause.Error(),
	}
}

func invalidParameter(message string) *Error {
	return &Error{Code: CodeInvalidParameter, Status: http.StatusBadRequest, Message: message}
}

// outcome is how an invocation ended: with a payload of the function, with one
// that Lambda made for it, or with an error of the service.
type outcome struct {
	payload   []byte
	errorType string // not empty: a function error, for the REPORT line
	crash     string // not empty: how the process failed, for the log
	reported  string // not empty: the REPORT line's error type instead
	timedOut  bool
	err       error
}

func timedOut(requestID string, after time.Duration) *outcome {
	o := faulted(requestID, "Sandbox.Timedout", timeoutText(after))
	o.crash, o.timedOut = "", true
	return o
}

func timeoutText(after time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())
}

// exited is the outcome of an invocation whose process ended under it.
func exited(requestID string, state *os.ProcessState) *outcome {
	return faulted(requestID, "Runtime.ExitError", exitText(state))
}

func exitText(state *os.ProcessState) string {
	if state.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + state.String()
}

// outOfMemory is the outcome of an invocation whose process used more memory
// than the function has: what its caller sees is a process that was killed.
func outOfMemory(requestID string) *outcome {
	o := faulted(requestID, "Runtime.ExitError", "Runtime exited with error: signal: killed")
	o.reported = "Runtime.OutOfMemory"
	return o
}

func faulted(requestID, errorType, text string) *outcome {
	payload, _ := json.Marshal(struct { // two strings
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, "RequestId: " + requestID + " Error: " + text})
	return &outcome{payload: payload, errorType: errorType, crash: text}
}

func responseTooLarge() *outcome {
	payload, _ := json.Marshal(runtimeError{ // two strings
		Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse),
		Type:    "Function.ResponseSizeTooLarge",
	})
	return &outcome{payload: payload, errorType: "Function.ResponseSizeTooLarge"}
}
