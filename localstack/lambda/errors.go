package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// ErrClosed is returned for work that arrives or still waits when the service
// is closed.
var ErrClosed = errors.New("lambda service is closed")

// Error is a refusal of the Lambda API. The function has not run.
type Error struct {
	// Code is the exception's name on AWS, such as ResourceNotFoundException.
	Code string
	// Status is the HTTP status of the Lambda API.
	Status  int
	Message string
	// Reason is the limit that was reached, for TooManyRequestsException.
	Reason string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The exceptions of Invoke (API reference, Invoke) that this service returns.
const (
	CodeNotFound         = "ResourceNotFoundException"
	CodeThrottled        = "TooManyRequestsException"
	CodeTooLarge         = "RequestTooLargeException"
	CodeInvalidContent   = "InvalidRequestContentException"
	CodeInvalidParameter = "InvalidParameterValueException"
	CodeInvalidRuntime   = "InvalidRuntimeException"
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

// notRun refuses a function that exists and cannot run.
func notRun(fn Function) *Error {
	return &Error{
		Code:    CodeInvalidRuntime,
		Status:  http.StatusBadGateway,
		Message: "The function " + fn.Name + " cannot be invoked: " + fn.NotRun + ".",
	}
}

// outcome is how an invocation ended: with a payload from the function, with an
// error object from Lambda, or with an error of the service.
type outcome struct {
	payload   []byte
	errorType string // of a function error, otherwise empty
	crash     string // how the process failed, for the log
	reported  string // the error type in the REPORT line, if another one
	timedOut  bool
	err       error
}

func timeoutOutcome(requestID string, after time.Duration) *outcome {
	o := crashOutcome(requestID, "Sandbox.Timedout", timeoutText(after))
	o.crash, o.timedOut = "", true
	return o
}

func timeoutText(after time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())
}

// exitOutcome is the outcome of an invocation whose process has ended.
func exitOutcome(requestID string, state *os.ProcessState) *outcome {
	return crashOutcome(requestID, "Runtime.ExitError", exitText(state))
}

func exitText(state *os.ProcessState) string {
	if state.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + state.String()
}

// memoryOutcome is the outcome of an invocation whose process used more memory
// than the function has. The caller sees that the process was killed.
func memoryOutcome(requestID string) *outcome {
	o := crashOutcome(requestID, "Runtime.ExitError", "Runtime exited with error: signal: killed")
	o.reported = "Runtime.OutOfMemory"
	return o
}

// crashOutcome is an outcome with an error object from Lambda.
func crashOutcome(requestID, errorType, text string) *outcome {
	payload, _ := json.Marshal(struct { // cannot fail: two strings
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, "RequestId: " + requestID + " Error: " + text})
	return &outcome{payload: payload, errorType: errorType, crash: text}
}

// tooLargeOutcome is the outcome of an invocation with a response above
// maxResponse.
func tooLargeOutcome() *outcome {
	payload, _ := json.Marshal(runtimeError{ // cannot fail: two strings
		Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse),
		Type:    "Function.ResponseSizeTooLarge",
	})
	return &outcome{payload: payload, errorType: "Function.ResponseSizeTooLarge"}
}
