package gateway

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// API is one stage of one WebSocket API. Two stages of an API are two values
// with the same ID.
type API struct {
	// ID names the API, as in {ID}.execute-api.{Region}.amazonaws.com.
	ID string
	// Stage is the first segment of the URL's path: letters, digits, "-" and
	// "_", at most 128 (API Gateway quotas).
	Stage string
	// Region and Account are where the API claims to live.
	Region, Account string
	// RouteSelectionExpression picks a message's route, for example
	// "$request.body.action".
	RouteSelectionExpression string
	// Routes by route key: "$connect", "$disconnect", "$default" or a value of
	// the expression. All are optional.
	Routes map[string]Route
	// StageVariables are handed to every event, if there are any.
	StageVariables map[string]string
	// Throttle is the stage's default for each of its routes; nil leaves them
	// the account's limit.
	Throttle *Throttle
	// Models are the request models that routes name: JSON schemas (draft 4,
	// API Gateway developer guide) by model name.
	Models map[string][]byte
	// APIKeys are the keys of which a client has to send one where a route
	// requires it. With none, nobody gets through such a route.
	APIKeys []string
	// APIKeySelectionExpression says where a client's key is:
	// "$request.header.x-api-key" (the default) or
	// "$context.authorizer.usageIdentifierKey".
	APIKeySelectionExpression string
	// Domains are custom names of the stage, beside its execute-api name.
	Domains []Domain
	// DisableExecuteAPIEndpoint refuses the execute-api name, so that only
	// Domains lead here, and loopback addresses.
	DisableExecuteAPIEndpoint bool
}

// Domain is a custom domain name that is mapped to a stage.
type Domain struct {
	// Name is a host name such as ws.example.com.
	Name string
	// BasePath is the path below it that leads to the stage; empty for the
	// root.
	BasePath string
}

// Route binds a route key to a Lambda function by AWS_PROXY integration.
type Route struct {
	// Key is the route key, equal to its key in API.Routes.
	Key string
	// Function is passed to the Invoker as it stands: a name or an ARN. It may
	// be empty for $connect and $disconnect, whose integration is optional.
	Function string
	// Permitted says that API Gateway may invoke the function
	// (AWS::Lambda::Permission). Without it the route fails as on AWS.
	Permitted bool
	// Timeout is the integration timeout, 50 ms to 29 s (API Gateway quotas); 0
	// means 29 s.
	Timeout time.Duration
	// RouteResponse makes the route two-way: the body of the function's result
	// goes back to the client.
	RouteResponse bool
	// Throttle limits this route alone, instead of API.Throttle.
	Throttle *Throttle
	// ModelSelectionExpression picks the model that a message has to satisfy;
	// empty checks none.
	ModelSelectionExpression string
	// Models maps values of ModelSelectionExpression to names in API.Models;
	// "$default" is for all others.
	Models map[string]string

	// The rest is for $connect only: all of it is decided once, when a
	// connection is opened.

	// Authorizer is asked whether to let the client in (AuthorizationType
	// CUSTOM).
	Authorizer *Authorizer
	// IAM asks for a signed request whose caller may connect (AuthorizationType
	// AWS_IAM).
	IAM bool
	// APIKeyRequired asks for one of API.APIKeys.
	APIKeyRequired bool
}

// Authorizer is a REQUEST Lambda authorizer, the only kind that WebSocket APIs
// have.
type Authorizer struct {
	// Function is passed to the Invoker as it stands.
	Function string
	// Permitted says that API Gateway may invoke the function.
	Permitted bool
	// IdentitySources are what a client has to send to be worth asking about:
	// route.request.header.X, route.request.querystring.X, context.X and
	// stageVariables.X.
	IdentitySources []string
}

// Throttle is a token bucket: a rate in requests per second and a burst in
// requests. Zero admits nothing; a negative field is not set and takes the
// wider limit's value.
type Throttle struct {
	Rate  float64
	Burst int
}

// Bounds of an integration timeout (API Gateway quotas).
const (
	minIntegrationTimeout = 50 * time.Millisecond
	maxIntegrationTimeout = 29 * time.Second
)

// Where API keys may stand (API Gateway CreateApi).
const (
	keyInHeader     = "$request.header.x-api-key"
	keyInAuthorizer = "$context.authorizer.usageIdentifierKey"
)

var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// withDefaults returns a copy that is checked and complete, but for expressions
// and models, which newStage parses.
func (a API) withDefaults() (API, error) {
	if a.ID == "" {
		return a, errors.New("no ID")
	}
	if !stageName.MatchString(a.Stage) {
		return a, fmt.Errorf("stage %q is not 1 to 128 of A-Z a-z 0-9 - _", a.Stage)
	}
	setDefault(&a.APIKeySelectionExpression, keyInHeader)
	if e := a.APIKeySelectionExpression; e != keyInHeader && e != keyInAuthorizer {
		return a, fmt.Errorf("API key selection expression %q is neither %s nor %s", e, keyInHeader, keyInAuthorizer)
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
		return r, fmt.Errorf("route %q is listed under %q", r.Key, key)
	case key == "":
		return r, errors.New("a route has no key")
	case r.Function == "" && key != connectKey && key != disconnectKey:
		return r, fmt.Errorf("route %q has no function", key)
	case r.Timeout < minIntegrationTimeout || r.Timeout > maxIntegrationTimeout:
		return r, fmt.Errorf("route %q: timeout %v is outside %v to %v", key, r.Timeout,
			minIntegrationTimeout, maxIntegrationTimeout)
	case key != connectKey && (r.Authorizer != nil || r.IAM || r.APIKeyRequired):
		return r, fmt.Errorf("route %q: only %s decides who may connect", key, connectKey)
	case r.Authorizer != nil && r.IAM:
		return r, fmt.Errorf("route %q has an authorizer and IAM", key)
	case r.Authorizer != nil && r.Authorizer.Function == "":
		return r, fmt.Errorf("route %q: its authorizer has no function", key)
	}
	return r, nil
}

// defaultDomain is the host name that events carry, whatever loopback name the
// client dialled: functions build ARNs and addresses from it.
func (a *API) defaultDomain() string {
	if a.DisableExecuteAPIEndpoint && len(a.Domains) > 0 {
		return a.Domains[0].Name
	}
	return a.ID + ".execute-api." + a.Region + "." + awsname.DNSSuffix(a.Region)
}

// arn is the ARN of something below the stage, as IAM policies and permissions
// name it (API Gateway developer guide).
func (a *API) arn(path string) string {
	return awsname.ARN("execute-api", a.Region, a.Account, a.ID+"/"+a.Stage+"/"+path)
}
