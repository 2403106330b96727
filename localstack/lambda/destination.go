package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// condition is how an asynchronous event ended (LDG "Asynchronous invocation",
// invocation records). AWS does not have the last two; records with them are
// not sent.
type condition string

const (
	succeeded        condition = "Success"
	retriesExhausted condition = "RetriesExhausted"
	tooOld           condition = "EventAgeExceeded"
	zeroConcurrency  condition = "ZeroReservedConcurrency"
	serviceClosed    condition = "ServiceClosed"
	functionRemoved  condition = "FunctionRemoved"
)

// finishEvent sends the record of an event to the function's destination and
// logs a discarded event. result is that of the last attempt that ran, or nil.
func (s *Service) finishEvent(ev *event, fn Function, end condition, attempts int, result *Result) {
	if end != succeeded {
		level := slog.LevelError
		if end == serviceClosed {
			level = slog.LevelWarn
		}
		s.log.Log(context.Background(), level, "asynchronous event discarded",
			"function", ev.name, "invocation", ev.id, "condition", string(end), "attempts", attempts)
	}
	switch end {
	case serviceClosed, functionRemoved:
	case succeeded:
		s.sendRecord(fn.Async.OnSuccess, ev, fn, end, attempts, result)
	default:
		s.sendRecord(fn.Async.OnFailure, ev, fn, end, attempts, result)
		s.logDeadLetter(ev, fn, result)
	}
}

// record is the document for a destination (LDG "Asynchronous invocation",
// example invocation record).
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"` // absent, with the payload, if it never ran
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

// sendRecord sends the record of an event to a destination. It does nothing if
// the destination is empty.
func (s *Service) sendRecord(destination string, ev *event, fn Function, end condition, attempts int,
	result *Result) {
	if destination == "" {
		return
	}
	rec := record{
		Version:        "1.0",
		Timestamp:      time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{ev.id, fn.ARN + ":" + cmp.Or(ev.qualifier, latest), end, attempts},
		RequestPayload: ev.payload,
	}
	if result != nil {
		rec.ResponseContext = &responseContext{
			StatusCode:      200,
			ExecutedVersion: result.Version,
			FunctionError:   result.FunctionError,
		}
		rec.ResponsePayload = result.Payload
		if !json.Valid(rec.ResponsePayload) { // a runtime may answer with any bytes
			rec.ResponsePayload, _ = json.Marshal(string(result.Payload))
		}
	}
	text, err := json.Marshal(rec)
	if err == nil {
		err = s.deliverTo(destination, text)
	}
	if err != nil {
		s.log.Error("failed to send a record to the destination", "function", ev.name, "invocation", ev.id,
			"condition", string(end), "destination", destination, "bytes", len(text), "err", err)
	}
}

// deliverTo invokes a destination, which must be a function of this service.
func (s *Service) deliverTo(destination string, text []byte) error {
	if !strings.Contains(destination, ":lambda:") {
		return fmt.Errorf("the local stack has no %s", serviceOf(destination))
	}
	_, err := s.InvokeAsync(context.Background(), destination, text)
	return err
}

// logDeadLetter logs the sizes of what the function's dead-letter queue would
// have got: the event and the attributes RequestID, ErrorCode and ErrorMessage.
func (s *Service) logDeadLetter(ev *event, fn Function, result *Result) {
	if fn.DeadLetter == "" {
		return
	}
	code, messageSize := 429, 0 // it never ran
	if result != nil {
		var failure runtimeError
		_ = json.Unmarshal(result.Payload, &failure) // a runtime may answer with any bytes
		code, messageSize = 200, min(len(failure.Message), maxErrorMessage)
	}
	s.log.Error("failed to send a dead letter", "function", ev.name, "invocation", ev.id, "destination", fn.DeadLetter,
		"bytes", len(ev.payload), "code", code, "messageBytes", messageSize,
		"err", "the local stack has no "+serviceOf(fn.DeadLetter))
}

// maxErrorMessage bounds the ErrorMessage of a dead letter in bytes (LDG
// "Asynchronous invocation").
const maxErrorMessage = 1 << 10

// serviceOf returns the service in an ARN.
func serviceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return fmt.Sprintf("destination %q", arn)
	}
	return parts[2]
}
