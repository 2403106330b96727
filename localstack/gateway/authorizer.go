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

// newAuthorizerEvent returns the authorizer's event for a CONNECT event. Unlike
// that, it has the hop-by-hop headers, and empty maps instead of none.
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
	hopByHop := map[string]string{"Connection": "upgrade", "content-length": "0", "Upgrade": "websocket"}
	for name, value := range hopByHop {
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

// authorization is the result of an authorizer. The policy is evaluated; the
// other fields go into events.
type authorization struct {
	PrincipalID        string
	Policy             policyDocument
	Context            map[string]any // strings, numbers (json.Number) and booleans
	UsageIdentifierKey string
}

// parseAuthorization parses the output of an authorizer as API Gateway
// documents it. It ignores unknown members.
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

// forEvents returns requestContext.authorizer for all events of the connection
// (A3.9). If typed is true, numbers and booleans stay; otherwise they become
// strings.
func (a authorization) forEvents(latency time.Duration, typed bool) map[string]any {
	values := make(map[string]any, len(a.Context)+2)
	for name, value := range a.Context {
		if !typed {
			value, _ = stringify(value) // never fails for scalars
		}
		values[name] = value
	}
	values["principalId"] = a.PrincipalID
	values["integrationLatency"] = latency.Milliseconds()
	return values
}

// runAuthorizer decides by the authorizer of the $connect route and traces
// that. An authorizer runs once for each connection.
func (o *opening) runAuthorizer(authorizer *Authorizer) *refusal {
	for _, source := range o.stage.identity {
		if source.value(o.event) == "" {
			return unauthorized("identity source is missing") // A3.3: the authorizer does not run
		}
	}
	began := time.Now()
	t := o.traceEvent(trace.Authorize)
	t.Function = awsname.FunctionName(authorizer.Function)
	refused := o.invokeAuthorizer(authorizer, &t)
	t.Duration, t.Status = time.Since(began), http.StatusOK
	if refused != nil {
		t.Status, t.Error = refused.status, refused.code
	}
	o.gateway.report("authorizer", t, refused.failure())
	if refused != nil {
		refused.err = nil // has been reported
	}
	return refused
}

// invokeAuthorizer invokes the authorizer and evaluates its policy. It adds
// what the trace needs to t.
func (o *opening) invokeAuthorizer(authorizer *Authorizer, t *trace.Event) *refusal {
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
			return unauthorized("authorizer returned Unauthorized")
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
	switch decision, err := a.Policy.evaluate(invokeAction, resource); {
	case err != nil:
		return authorizerFailure(fmt.Errorf("%w: policyDocument: %w", errMalformed, err))
	case decision == denied:
		return accessDenied("User is not authorized to access this resource with an explicit deny")
	case decision == notAllowed:
		return accessDenied("User is not authorized to access this resource")
	}
	o.connection.authorizer = a.forEvents(latency, o.gateway.opts.Inferred.TypedAuthorizerContext)
	o.event.RequestContext.Authorizer = o.connection.authorizer
	o.usageKey = a.UsageIdentifierKey
	return nil
}

// errorMessage returns the message in a function's error object, or "".
func errorMessage(payload []byte) string {
	var failure struct {
		ErrorMessage string `json:"errorMessage"`
	}
	_ = json.Unmarshal(payload, &failure) // on failure there is no message
	return failure.ErrorMessage
}

// authorizerFailure returns the refusal after an authorizer that gave no valid
// answer (A3.6).
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
