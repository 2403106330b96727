package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
	"time"
)

// The failures of an integration.
var (
	errNotInvoked         = errors.New("function could not be invoked")
	errFunction           = errors.New("function failed")
	errTaskTimeout        = errors.New("function timed out")
	errIntegrationTimeout = errors.New("integration timed out")
	errMalformed          = errors.New("malformed proxy response")
	errNullResult         = fmt.Errorf("null: %w", errMalformed)
)

// proxyResponse has the parts of a function's result that a WebSocket API uses.
type proxyResponse struct {
	status      int
	subprotocol string // the Sec-WebSocket-Protocol header, the only one that reaches a client (A1.8)
	body        string
}

// integrate invokes the route's function with the event and waits for its
// result, at most for the integration timeout. It calls ended, if not nil, when
// the function has ended, which may be later. invocation is empty after a
// timeout. A mock has its answer at once.
func (g *Gateway) integrate(route *servedRoute, e *event,
	ended func()) (response proxyResponse, invocation string, err error) {
	if ended == nil {
		ended = func() {}
	}
	if route.Mock != nil {
		ended()
		return proxyResponse{status: route.Mock.Status, body: route.response.evaluate(e)}, "", nil
	}
	if !route.Permitted {
		ended()
		return response, "", fmt.Errorf("%w: API Gateway has no permission", errNotInvoked) // A6.2, F2.4
	}
	payload, err := encode(e)
	if err != nil {
		ended()
		return response, "", fmt.Errorf("%w: encode event: %w", errNotInvoked, err)
	}
	result, err := g.invoke(route.Function, payload, route.Timeout, ended)
	if err != nil {
		return response, result.RequestID, err
	}
	if result.FunctionError != "" {
		return response, result.RequestID, functionFailure(result.Payload)
	}
	response, err = parseProxyResponse(result.Payload, g.opts.Inferred.LenientProxyResponse)
	return response, result.RequestID, err
}

// invoke runs a function and waits for its result, at most for timeout. It
// calls ended, if not nil, when the function has ended.
func (g *Gateway) invoke(function string, payload []byte, timeout time.Duration, ended func()) (Result, error) {
	type outcome struct {
		Result
		err error
	}
	outcomes := make(chan outcome, 1)
	g.running.Go(func() {
		if ended != nil {
			defer ended()
		}
		result, err := g.opts.Invoker.Invoke(g.ctx, function, payload)
		outcomes <- outcome{result, err}
	})
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-timer.C:
		return Result{}, errIntegrationTimeout
	case o := <-outcomes:
		if o.err != nil {
			return o.Result, fmt.Errorf("%w: %w", errNotInvoked, o.err)
		}
		return o.Result, nil
	}
}

// functionFailure returns the error for a function's error object. It has the
// type but not the message, which may quote what a user wrote.
func functionFailure(payload []byte) error {
	var failure struct {
		ErrorType string `json:"errorType"`
	}
	if err := json.Unmarshal(payload, &failure); err != nil {
		return errFunction
	}
	if failure.ErrorType == "Sandbox.Timedout" {
		return errTaskTimeout
	}
	return fmt.Errorf("%w: %.100q", errFunction, failure.ErrorType)
}

// parseProxyResponse accepts statusCode, headers, multiValueHeaders, body and
// isBase64Encoded, and if lenient is true any other member (B9). Maps and body
// may be null, as aws-lambda-go writes them (B8).
func parseProxyResponse(payload []byte, lenient bool) (proxyResponse, error) {
	if bytes.Equal(bytes.TrimSpace(payload), []byte("null")) {
		return proxyResponse{}, errNullResult
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return proxyResponse{}, fmt.Errorf("%w: not an object", errMalformed)
	}
	var response proxyResponse
	var headers map[string]scalar
	var multiValueHeaders map[string][]scalar
	var body *string
	for name, value := range members {
		var err error
		switch name {
		case "statusCode":
			response.status, err = statusCode(value)
		case "headers":
			err = json.Unmarshal(value, &headers)
		case "multiValueHeaders":
			err = json.Unmarshal(value, &multiValueHeaders)
		case "body":
			err = json.Unmarshal(value, &body)
		case "isBase64Encoded":
			var encoded bool
			err = json.Unmarshal(value, &encoded)
		default:
			if !lenient {
				err = errors.New("unknown member")
			}
		}
		if err != nil {
			return proxyResponse{}, fmt.Errorf("%w: %.40q", errMalformed, name)
		}
	}
	if response.status == 0 {
		return proxyResponse{}, fmt.Errorf("%w: no statusCode", errMalformed)
	}
	if body != nil {
		response.body = *body
	}
	const protocol = "Sec-Websocket-Protocol"
	for name, values := range multiValueHeaders {
		if textproto.CanonicalMIMEHeaderKey(name) == protocol && len(values) > 0 {
			response.subprotocol = string(values[0])
		}
	}
	for name, value := range headers {
		if textproto.CanonicalMIMEHeaderKey(name) == protocol {
			response.subprotocol = string(value)
		}
	}
	return response, nil
}

// scalar is a header's value: a string, or the text of a number or boolean.
type scalar string

func (s *scalar) UnmarshalJSON(data []byte) error {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	switch value.(type) {
	case map[string]any, []any:
		return errors.New("not a header value")
	}
	text, err := stringify(value)
	*s = scalar(text)
	return err
}

// statusCode parses a number, or a string with a number, as older blueprints of
// Lambda return it.
func statusCode(value json.RawMessage) (int, error) {
	var text scalar
	if err := json.Unmarshal(value, &text); err != nil {
		return 0, err
	}
	status, err := strconv.Atoi(string(text))
	if err != nil || status < 200 || status > 599 {
		return 0, errors.New("not a final HTTP status")
	}
	return status, nil
}
