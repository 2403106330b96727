package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// condition is how an asynchronous event ended (LDG "Asynchronous invocation",
// invocation records). The last two exist here only, and reach no destination.
type condition string

const (
	succeeded        condition = "Success"
	retriesExhausted condition = "RetriesExhausted"
	tooOld           condition = "EventAgeExceeded"
	zeroConcurrency  condition = "ZeroReservedConcurrency"
	serviceClosed    condition = "ServiceClosed"
	functionRemoved  condition = "FunctionRemoved"
)

// conclude ends an event: it tells the function's destinations, and the log if
// the event is lost. result is that of the last attempt that ran, or nil.
func (s *Service) conclude(ev *event, fn Function, how condition, attempts int, result *Result) {
	if how != succeeded {
		level := slog.LevelError
		if how == serviceClosed {
			level = slog.LevelWarn
		}
		s.log.Log(context.Background(), level, "asynchronous event discarded",
			"function", ev.name, "requestId", ev.id, "condition", string(how), "attempts", attempts)
	}
	switch how {
	case serviceClosed, functionRemoved:
	case succeeded:
		s.send(fn.Async.OnSuccess, ev, fn, how, attempts, result)
	default:
		s.send(fn.Async.OnFailure, ev, fn, how, attempts, result)
		s.deadLetter(ev, fn, result)
	}
}

// record is what a destination gets (LDG "Asynchronous invocation", example
// invocation record).
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"` // absent if it never ran, as is the payload
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string    `json:"requestId"`
	FunctionARN            string    `json:"functionArn"`
	Condition              condition `json:"condition"`
	ApproximateInvokeCount int       `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// send gives a destination the record of an event, if there is a destination.
func (s *Service) send(destination string, ev *event, fn Function, how condition, attempts int, result *Result) {
	if destination == "" {
		return
	}
	rec := record{
		Version:        "1.0",
		Timestamp:      time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{ev.id, fn.ARN + ":" + latest, how, attempts},
		RequestPayload: ev.payload,
	}
	if result != nil {
		rec.ResponseContext = &responseContext{
			StatusCode:      200,
			ExecutedVersion: latest,
			FunctionError:   result.FunctionError,
		}
		rec.ResponsePayload = result.Payload
		if !json.Valid(rec.ResponsePayload) { // a runtime may answer with anything
			rec.ResponsePayload, _ = json.Marshal(string(result.Payload))
		}
	}
	text, err := json.Marshal(rec)
	if err == nil {
		err = s.deliverTo(destination, text)
	}
	if err != nil {
		s.log.Error("destination not reached", "function", ev.name, "requestId", ev.id,
			"condition", string(how), "destination", destination, "bytes", len(text), "error", err)
	}
}

// deliverTo invokes a destination, which has to be a function of this service.
func (s *Service) deliverTo(destination string, text []byte) error {
	if !strings.Contains(destination, ":lambda:") {
		return fmt.Errorf("the local stack has no %s", serviceOf(destination))
	}
	_, err := s.InvokeAsync(context.Background(), destination, text)
	return err
}

// deadLetter says what the function's dead-letter queue would have got: the
// event, and the attributes RequestID, ErrorCode and ErrorMessage.
func (s *Service) deadLetter(ev *event, fn Function, result *Result) {
	if fn.DeadLetter == "" {
		return
	}
	code, size := 429, 0 // it never ran
	if result != nil {
		var failure runtimeError
		_ = json.Unmarshal(result.Payload, &failure) // whatever it is
		code, size = 200, min(len(failure.Message), maxErrorMessage)
	}
	s.log.Error("dead letter not sent", "function", ev.name, "target", fn.DeadLetter, "bytes", len(ev.payload),
		"RequestID", ev.id, "ErrorCode", code, "ErrorMessage.bytes", size,
		"error", "the local stack has no "+serviceOf(fn.DeadLetter))
}

// maxErrorMessage is how much of an error's message a dead letter has, in bytes
// (LDG "Asynchronous invocation").
const maxErrorMessage = 1 << 10

// serviceOf is the third part of an ARN.
func serviceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return fmt.Sprintf("destination %q", arn)
	}
	return parts[2]
}
