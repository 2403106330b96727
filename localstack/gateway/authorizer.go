package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

const (
	invokeAction = "execute-api:Invoke"
	// maxAuthorizerResult is the largest result of an authorizer, in bytes (API
	// Gateway quotas).
	maxAuthorizerResult = 8 << 10
)

// authorizerEvent is the input of a REQUEST authorizer, in AWS's order of
// members (A3.12).
type authorizerEvent struct {
	Type                            string              `json:"type"`
	MethodARN                       string              `json:"methodArn"`
	Headers                         map[string]string   `json:"headers"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
	StageVariables                  map[string]string   `json:"stageVariables"`
	RequestContext                  requestContext      `json:"requestContext"`
}

// newAuthorizerEvent is made of the CONNECT event. It has the headers of the
// hop, and empty maps where that has none.
func newAuthorizerEvent(e *event, methodARN string) authorizerEvent {
	a := authorizerEvent{
		Type:                            "REQUEST",
		MethodARN:                       methodARN,
		RequestContext:                  e.RequestContext,
		Headers:                         maps.Clone(e.Headers),
		MultiValueHeaders:               maps.Clone(e.MultiValueHeaders),
		QueryStringParameters:           e.QueryStringParameters,
		MultiValueQueryStringParameters: e.MultiValueQueryStringParameters,
		StageVariables:                  e.StageVariables,
	}
	for name, value := range map[string]string{"Connection": "upgrade", "content-length": "0", "Upgrade": "websocket"} {
		a.Headers[name] = value
		a.MultiValueHeaders[name] = []string{value}
	}
	if a.QueryStringParameters == nil {
		a.QueryStringParameters, a.MultiValueQueryStringParameters = map[string]string{}, map[string][]string{}
	}
	if a.StageVariables == nil {
		a.StageVariables = map[string]string{}
	}
	return a
}

// authorization is what an authorizer returns. The policy is judged, the rest
// goes into events.
type authorization struct {
	PrincipalID        string
	Policy             policyDocument
	Context            map[string]any // strings, numbers (json.Number) and booleans
	UsageIdentifierKey string
}

// parseAuthorization accepts what API Gateway documents as an authorizer's
// output. Members that it does not know are left alone.
func parseAuthorization(payload []byte) (authorization, error) {
	var a authorization
	if len(payload) > maxAuthorizerResult {
		return a, fmt.Errorf("%w: %d bytes, the limit is %d", errMalformed, len(payload), maxAuthorizerResult)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil || members == nil {
		return a, fmt.Errorf("%w: not an object", errMalformed)
	}
	for _, m := range []struct {
		name     string
		into     any
		required bool
	}{
		{"principalId", &a.PrincipalID, true},
		{"policyDocument", &a.Policy, true},
		{"context", &a.Context, false},
		{"usageIdentifierKey", &a.UsageIdentifierKey, false},
	} {
		value, ok := members[m.name]
		if !ok || bytes.Equal(value, []byte("null")) {
			if m.required {
				return a, fmt.Errorf("%w: no %s", errMalformed, m.name)
			}
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(value))
		decoder.UseNumber()
		if err := decoder.Decode(m.into); err != nil {
			return a, fmt.Errorf("%w: %s", errMalformed, m.name)
		}
	}
	for name, value := range a.Context {
		switch value.(type) {
		case map[string]any, []any: // A3.10
			return a, fmt.Errorf("%w: context %.40q is not a string, number or boolean", errMalformed, name)
		case nil:
			delete(a.Context, name)
		}
	}
	return a, nil
}

// forEvents is requestContext.authorizer of all events of the connection
// (A3.9).
func (a authorization) forEvents(latency time.Duration, typed bool) map[string]any {
	values := make(map[string]any, len(a.Context)+2)
	for name, value := range a.Context {
		if !typed {
			value, _ = stringify(value) // scalars always have a text
		}
		values[name] = value
	}
	values["principalId"] = a.PrincipalID
	values["integrationLatency"] = latency.Milliseconds()
	return values
}

// askAuthorizer decides by the $connect route's authorizer, which runs once per
// connection.
func (o *opening) askAuthorizer(authorizer *Authorizer) *refusal {
	for _, source := range o.stage.identity {
		if source.value(o.event) == "" {
			return unauthorized("identity source is missing") // A3.3: nobody is asked
		}
	}
	began := time.Now()
	t := o.traced(trace.Authorize)
	t.Function = awsname.FunctionName(authorizer.Function)
	refused := o.authorization(authorizer, &t)
	t.Duration, t.Status = time.Since(began), http.StatusOK
	if refused != nil {
		t.Status, t.Error = refused.status, refused.code
	}
	o.gateway.report("authorizer", t, refused.failure())
	if refused != nil {
		refused.err = nil // is told
	}
	return refused
}

func (o *opening) authorization(authorizer *Authorizer, t *trace.Event) *refusal {
	if !authorizer.Permitted {
		return authorizerFailure(fmt.Errorf("%w: API Gateway has no permission to invoke the authorizer",
			errNotInvoked))
	}
	resource := o.stage.arn(connectKey)
	payload, err := encode(newAuthorizerEvent(o.event, resource))
	if err != nil {
		return authorizerFailure(fmt.Errorf("encode event: %w", err))
	}
	t.Bytes = len(payload)
	began := time.Now()
	result, err := o.gateway.invoke(authorizer.Function, payload, maxIntegrationTimeout, nil)
	latency := time.Since(began)
	t.Invocation = result.RequestID
	if err == nil && result.FunctionError != "" {
		if errorMessage(result.Payload) == "Unauthorized" { // A3.4
			return unauthorized("authorizer says so")
		}
		err = functionFailure(result.Payload)
	}
	if err != nil {
		return authorizerFailure(err)
	}
	a, err := parseAuthorization(result.Payload)
	if err != nil {
		return authorizerFailure(err)
	}
	switch what, err := a.Policy.evaluate(invokeAction, resource); {
	case err != nil:
		return authorizerFailure(fmt.Errorf("%w: policyDocument: %w", errMalformed, err))
	case what == denied:
		return accessDenied("User is not authorized to access this resource with an explicit deny")
	case what == notAllowed:
		return accessDenied("User is not authorized to access this resource")
	}
	o.connection.authorizer = a.forEvents(latency, o.gateway.opts.Inferred.TypedAuthorizerContext)
	o.event.RequestContext.Authorizer = o.connection.authorizer
	o.usageKey = a.UsageIdentifierKey
	return nil
}

// errorMessage returns the message of a function's error object.
func errorMessage(payload []byte) string {
	var failure struct {
		ErrorMessage string `json:"errorMessage"`
	}
	_ = json.Unmarshal(payload, &failure) // no object, no message
	return failure.ErrorMessage
}

// authorizerFailure is any end of an authorizer but an answer (A3.6).
func authorizerFailure(err error) *refusal {
	errorType := "AuthorizerFailureException"
	if errors.Is(err, errMalformed) || errors.Is(err, errNotInvoked) {
		errorType = "AuthorizerConfigurationException"
	}
	return &refusal{
		status: http.StatusInternalServerError,
		code:   errorType,
		body:   `{"message":` + quote(internalErrorMessage) + `}`,
		reason: "authorizer failed",
		err:    err,
	}
}
