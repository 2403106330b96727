package gateway

import (
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/awsrequest"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// opening is a handshake before its answer. Throttle, authorization, API key
// and $connect decide about it, in API Gateway's order.
type opening struct {
	gateway    *Gateway
	connection *connection
	stage      *stage
	request    *http.Request
	route      *servedRoute // nil without a $connect route, which accepts all clients (A1.2)
	event      *event       // CONNECT
	began      time.Time

	usageKey    string // the authorizer's usageIdentifierKey
	subprotocol string // chosen by $connect
	function    string // of $connect, once it is invoked
	invocation  string
}

func (g *Gateway) newOpening(c *connection, r *http.Request) *opening {
	s := c.stage.Load()
	return &opening{
		gateway:    g,
		connection: c,
		stage:      s,
		request:    r,
		route:      s.routes[connectKey],
		event:      g.connectEvent(c, r),
		began:      time.Now(),
	}
}

// refusal is the answer to a handshake that fails.
type refusal struct {
	status int
	code   string // AWS's name of the error, for SDKs and the trace; empty if $connect decided
	body   string // JSON, or empty
	reason string // for the log; empty if $connect failed
	err    error  // the failure; nil if nothing has failed
}

// failure returns the failure that led to the refusal; nil if nothing has
// failed.
func (r *refusal) failure() error {
	if r == nil {
		return nil
	}
	return r.err
}

func (r *refusal) write(w http.ResponseWriter) {
	if r.code != "" {
		w.Header()[errorTypeHeader] = []string{r.code}
	}
	if r.body != "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(r.status)
	io.WriteString(w, r.body)
}

// unauthorized returns a refusal with 401.
func unauthorized(reason string) *refusal {
	return &refusal{
		status: http.StatusUnauthorized,
		code:   "UnauthorizedException",
		body:   `{"message":"Unauthorized"}`,
		reason: reason,
	}
}

// forbidden returns a refusal with 403.
func forbidden(code, message, reason string) *refusal {
	return &refusal{
		status: http.StatusForbidden,
		code:   code,
		body:   `{"message":` + quote(message) + `}`,
		reason: reason,
	}
}

// accessDenied returns a refusal by a policy. "Message" has a capital M, as on
// AWS.
func accessDenied(message string) *refusal {
	return &refusal{
		status: http.StatusForbidden,
		code:   "AccessDeniedException",
		body:   `{"Message":` + quote(message) + `}`,
		reason: "policy",
	}
}

// quote returns the JSON of a text, without escapes for HTML.
func quote(text string) string {
	quoted, err := encode(text)
	if err != nil { // never happens for a string
		return `""`
	}
	return string(quoted)
}

// decide returns the refusal, or nil if the connection may be opened.
func (o *opening) decide() *refusal {
	for _, step := range []func() *refusal{o.throttle, o.authorize, o.checkAPIKey, o.connect} {
		if refused := step(); refused != nil {
			return refused
		}
	}
	return nil
}

// throttle takes a token from each bucket that applies.
func (o *opening) throttle() *refusal {
	now := o.gateway.opts.Now()
	if !o.gateway.connects.admit(now) || !o.gateway.account.admit(now) || o.route != nil && !o.route.admit(now) {
		return &refusal{
			status: http.StatusTooManyRequests,
			code:   "TooManyRequestsException",
			body:   `{"message":` + quote(tooManyRequestsMessage) + `}`,
			reason: "throttled",
		}
	}
	return nil
}

// authorize applies the authorization of the $connect route, if it has one.
func (o *opening) authorize() *refusal {
	switch {
	case o.route == nil:
		return nil
	case o.route.Authorizer != nil:
		return o.runAuthorizer(o.route.Authorizer)
	case !o.route.IAM:
		return nil
	case !awsrequest.SignedInHeader(o.request) && !awsrequest.SignedInQuery(o.request):
		return forbidden("MissingAuthenticationTokenException", "Missing Authentication Token", "not signed")
	}
	if err := o.gateway.opts.Permit(o.request.Context(), invokeAction, o.stage.arn(connectKey)); err != nil {
		return accessDenied(err.Error())
	}
	return nil
}

// checkAPIKey checks the API key if the $connect route requires one. It comes
// after authorization, because an authorizer may return the key.
func (o *opening) checkAPIKey() *refusal {
	if o.route == nil || !o.route.APIKeyRequired {
		return nil
	}
	key := o.request.Header.Get("X-Api-Key")
	if o.stage.APIKeySelectionExpression == keyInAuthorizer {
		key = o.usageKey
	}
	for _, good := range o.stage.APIKeys {
		if key != "" && subtle.ConstantTimeCompare([]byte(key), []byte(good)) == 1 {
			return nil
		}
	}
	return forbidden("ForbiddenException", forbiddenMessage, "no valid API key")
}

// connect runs the integration of $connect, if there is one.
func (o *opening) connect() *refusal {
	if !o.route.integrated() {
		return nil
	}
	var response proxyResponse
	var err error
	o.function = awsname.FunctionName(o.route.Function)
	response, o.invocation, err = o.gateway.integrate(o.route, o.event, nil)
	if err == nil && response.status < 300 {
		o.subprotocol = response.subprotocol
		return nil
	}
	if err == nil {
		return &refusal{status: response.status, reason: "refused by " + connectKey} // A1.4, without the body (A1.8)
	}
	inferred := &o.gateway.opts.Inferred
	status, message := http.StatusInternalServerError, internalErrorMessage
	switch {
	case errors.Is(err, errIntegrationTimeout):
		status, message = inferred.ConnectTimeoutStatus, timedOutMessage
	case errors.Is(err, errTaskTimeout):
		status = inferred.ConnectTaskTimeoutStatus
	case errors.Is(err, errFunction):
		status = http.StatusBadGateway
	case errors.Is(err, errMalformed):
		status = inferred.MalformedConnectStatus
	}
	return &refusal{
		status: status,
		body:   errorFrame(message, o.connection.id, o.event.RequestContext.RequestID),
		err:    err,
	}
}

// traceEvent returns an event of this handshake.
func (o *opening) traceEvent(kind trace.Kind) trace.Event {
	return o.connection.traceEvent(kind, o.event)
}

// report traces and logs the answer to the handshake.
func (o *opening) report(refused *refusal) {
	t := o.traceEvent(trace.Connect)
	t.At = o.connection.connectedAt
	t.Duration, t.Status = time.Since(o.began), http.StatusSwitchingProtocols
	t.Function, t.Invocation = o.function, o.invocation
	line := "connection opened"
	if refused != nil {
		t.Status, t.Error, line = refused.status, refused.code, integrationFailed
		if refused.reason != "" {
			line = "connection refused: " + refused.reason
		}
	}
	o.gateway.report(line, t, refused.failure())
}
