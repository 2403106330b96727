package gateway

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// API is one stage of a WebSocket API. An API with two stages is two values
// with the same ID.
type API struct {
	// ID names the API, as in {ID}.execute-api.{Region}.amazonaws.com.
	ID string
	// Stage is the first segment of the URL's path: letters, digits, "-" and
	// "_", at most 128 (API Gateway quotas).
	Stage string
	// Region and Account are those of the API's ARNs and host name.
	Region, Account string
	// RouteSelectionExpression picks a message's route, for example
	// "$request.body.action".
	RouteSelectionExpression string
	// Routes by route key: "$connect", "$disconnect", "$default" or a value of
	// the expression. All are optional.
	Routes map[string]Route
	// StageVariables are in every event.
	StageVariables map[string]string
	// Throttle is the default for each route of the stage; nil means the
	// account's limit.
	Throttle *Throttle
	// Models are the request models that routes name: JSON schemas (draft 4,
	// API Gateway developer guide) by model name.
	Models map[string][]byte
	// APIKeys are the keys that a route which requires one accepts. Without
	// keys, such a route refuses every client.
	APIKeys []string
	// APIKeySelectionExpression is where a client's key is:
	// "$request.header.x-api-key" (the default) or
	// "$context.authorizer.usageIdentifierKey".
	APIKeySelectionExpression string
	// Domains are the custom domain names of the stage.
	Domains []Domain
	// DisableExecuteAPIEndpoint refuses the execute-api name. Then only Domains
	// and loopback addresses lead to the stage.
	DisableExecuteAPIEndpoint bool
}

// Domain is a custom domain name that is mapped to a stage.
type Domain struct {
	// Name is a host name such as ws.example.com.
	Name string
	// BasePath is the path that is mapped to the stage; empty for the root.
	BasePath string
}

// Route binds a route key to a Lambda function by AWS_PROXY integration, or to
// a MOCK integration.
type Route struct {
	// Key is the route key, equal to its key in API.Routes.
	Key string
	// Function is the name or ARN that the Invoker gets. It is empty with Mock,
	// and may be for $connect and $disconnect, whose integration is optional.
	Function string
	// Mock answers instead of a function; nil for other routes.
	Mock *Mock
	// Permitted reports whether API Gateway may invoke the function
	// (AWS::Lambda::Permission). Without permission the route fails as on AWS.
	Permitted bool
	// Timeout is the integration timeout, 50 ms to 29 s (API Gateway quotas); 0
	// means 29 s.
	Timeout time.Duration
	// RouteResponse makes the route two-way: the body of the function's result
	// goes back to the client.
	RouteResponse bool
	// Throttle limits this route alone, instead of API.Throttle.
	Throttle *Throttle
	// ModelSelectionExpression picks the model that a message must satisfy;
	// empty means that messages are not checked.
	ModelSelectionExpression string
	// Models maps values of ModelSelectionExpression to names in API.Models;
	// "$default" is for all others.
	Models map[string]string

	// The other fields are for $connect only. They apply once, when a
	// connection is opened.

	// Authorizer decides whether the client may connect (AuthorizationType
	// CUSTOM).
	Authorizer *Authorizer
	// IAM requires a signed request whose caller may connect (AuthorizationType
	// AWS_IAM).
	IAM bool
	// APIKeyRequired requires one of API.APIKeys.
	APIKeyRequired bool
}

// Authorizer is a REQUEST Lambda authorizer, the only kind that WebSocket APIs
// have.
type Authorizer struct {
	// Function is the name or ARN that the Invoker gets.
	Function string
	// Permitted reports whether API Gateway may invoke the function.
	Permitted bool
	// IdentitySources are the values that a handshake must have; without one of
	// them it is refused and the function does not run. They are
	// route.request.header.X, route.request.querystring.X, context.X and
	// stageVariables.X.
	IdentitySources []string
}

// Throttle is a token bucket: a rate in requests per second and a burst in
// requests. Zero admits nothing; a negative field is not set and means that of
// the wider limit.
type Throttle struct {
	Rate  float64
	Burst int
}

// Bounds of an integration timeout (API Gateway quotas).
const (
	minIntegrationTimeout = 50 * time.Millisecond
	maxIntegrationTimeout = 29 * time.Second
)

// The values of APIKeySelectionExpression (API Gateway CreateApi).
const (
	keyInHeader     = "$request.header.x-api-key"
	keyInAuthorizer = "$context.authorizer.usageIdentifierKey"
)

var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// withDefaults returns a copy with defaults, or an error. It does not check
// expressions and models; newStage parses those.
func (a API) withDefaults() (API, error) {
	if a.ID == "" {
		return a, errors.New("no ID")
	}
	if !stageName.MatchString(a.Stage) {
		return a, fmt.Errorf("stage %q: want 1 to 128 letters, digits, hyphens and underscores", a.Stage)
	}
	setDefault(&a.APIKeySelectionExpression, keyInHeader)
	if e := a.APIKeySelectionExpression; e != keyInHeader && e != keyInAuthorizer {
		return a, fmt.Errorf("API key selection expression %q: want %s or %s", e, keyInHeader, keyInAuthorizer)
	}
	routes := make(map[string]Route, len(a.Routes))
	for key, route := range a.Routes {
		route, err := route.withDefaults(key)
		if err != nil {
			return a, err
		}
		routes[key] = route
	}
	a.Routes = routes
	return a, nil
}

func (r Route) withDefaults(key string) (Route, error) {
	setDefault(&r.Key, key)
	setDefault(&r.Timeout, maxIntegrationTimeout)
	switch {
	case r.Key != key:
		return r, fmt.Errorf("route %q has the key %q in Routes", r.Key, key)
	case key == "":
		return r, errors.New("route without a key")
	case r.Function != "" && r.Mock != nil:
		return r, fmt.Errorf("route %q has both a function and a mock", key)
	case r.Function == "" && r.Mock == nil && key != connectKey && key != disconnectKey:
		return r, fmt.Errorf("route %q has no function", key)
	case r.Timeout < minIntegrationTimeout || r.Timeout > maxIntegrationTimeout:
		return r, fmt.Errorf("route %q: timeout %v is outside %v to %v", key, r.Timeout,
			minIntegrationTimeout, maxIntegrationTimeout)
	case key != connectKey && (r.Authorizer != nil || r.IAM || r.APIKeyRequired):
		return r, fmt.Errorf("route %q: only %s can have authorization or require an API key", key, connectKey)
	case r.Authorizer != nil && r.IAM:
		return r, fmt.Errorf("route %q has both an authorizer and IAM authorization", key)
	case r.Authorizer != nil && r.Authorizer.Function == "":
		return r, fmt.Errorf("route %q: the authorizer has no function", key)
	case r.Mock != nil:
		if err := r.Mock.check(key); err != nil {
			return r, fmt.Errorf("route %q: mock: %w", key, err)
		}
	}
	return r, nil
}

// defaultDomain returns the host name for events of clients that dialed a
// loopback address. Functions build ARNs and URLs from it.
func (a *API) defaultDomain() string {
	if a.DisableExecuteAPIEndpoint && len(a.Domains) > 0 {
		return a.Domains[0].Name
	}
	return a.ID + ".execute-api." + a.Region + "." + awsname.DNSSuffix(a.Region)
}

// arn returns the ARN of a path below the stage, as in IAM policies and Lambda
// permissions (API Gateway developer guide).
func (a *API) arn(path string) string {
	return awsname.ARN("execute-api", a.Region, a.Account, a.ID+"/"+a.Stage+"/"+path)
}
