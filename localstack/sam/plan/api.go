package plan

import (
	"time"
)

// WebSocketAPI is one stage of an API Gateway WebSocket API.
type WebSocketAPI struct {
	Origin
	// LogicalID is the API, StageLogicalID the stage.
	LogicalID, StageLogicalID string
	// ID is the API id: ten lower-case letters and digits.
	ID, Name, Stage          string
	RouteSelectionExpression string
	Routes                   []Route
	StageVariables           map[string]string
	// Throttle is the default of every route; nil leaves the limit of the
	// account (10,000 requests/s, burst 5,000: API Gateway quotas).
	Throttle *Throttle
	// Models are the request models of the API, by name.
	Models map[string]Model
	// DisableSchemaValidation skips the check of the models when the API is
	// deployed. Messages are still validated against them.
	DisableSchemaValidation bool
	// APIKeySelectionExpression selects the client's API key:
	// $request.header.x-api-key (the default) or
	// $context.authorizer.usageIdentifierKey.
	APIKeySelectionExpression string
	// APIKeys are the keys that the usage plans of this stage accept.
	APIKeys []APIKey
	// Domains are the custom domain names that are mapped to this stage.
	Domains []Domain
	// DisableExecuteAPIEndpoint disables the default host name; only Domains
	// reach the stage.
	DisableExecuteAPIEndpoint bool
}

// APIKey is a key that clients send to routes that require one.
type APIKey struct {
	LogicalID, ID, Name string
	// Value is the secret: 20 to 128 characters.
	Value   string
	Enabled bool
}

// Domain is a custom domain name and a base path, mapped to a stage.
type Domain struct {
	// Name is a host name such as ws.example.com.
	Name string
	// BasePath is the first element of the path; empty for the root.
	BasePath string
}

// Route returns the route with that key, or nil.
func (a *WebSocketAPI) Route(key string) *Route {
	for i := range a.Routes {
		if a.Routes[i].Key == key {
			return &a.Routes[i]
		}
	}
	return nil
}

// Route is a route of a WebSocket API with its Lambda proxy integration or its
// mock.
type Route struct {
	Origin
	LogicalID string
	// Key is $connect, $disconnect, $default or the value of the route
	// selection expression that selects the route.
	Key string
	// FunctionLogicalID is the function in the plan; FunctionARN is the ARN in
	// the integration, which may have a qualifier. Both are empty with Mock,
	// and for a $connect or $disconnect route without an integration.
	FunctionLogicalID, FunctionARN string
	// Mock is set for an integration of type MOCK.
	Mock *Mock
	// Permitted is set if API Gateway may invoke the function: by a permission
	// for this stage and route, or by the role of the integration.
	Permitted bool
	// Timeout is the timeout of the integration, 50 ms to 29 s (the default).
	Timeout time.Duration
	// RouteResponse is set if the client gets the body of the function's
	// response: the route has a selection expression and a route response.
	RouteResponse bool
	// APIKeyRequired is set if the client has to send an API key.
	APIKeyRequired bool
	// IAM is set if $connect requires a signed request (AuthorizationType
	// AWS_IAM).
	IAM bool
	// Authorizer is set on a $connect route with AuthorizationType CUSTOM.
	Authorizer *Authorizer
	// RequestModels maps a value of ModelSelectionExpression to the name of a
	// model.
	RequestModels            map[string]string
	ModelSelectionExpression string
	// Throttle is set if the stage has a limit for this route.
	Throttle *Throttle
}

// Mock is the answer of an integration of type MOCK. Its origin is the
// integration response, if there is one, otherwise the integration.
type Mock struct {
	Origin
	// Status is the statusCode in the request template, 200 to 599.
	Status int
	// Response is the response template; empty on a route that sends none.
	Response string
}

// Authorizer is a REQUEST Lambda authorizer.
type Authorizer struct {
	LogicalID, ID, Name            string
	FunctionLogicalID, FunctionARN string
	// IdentitySources are expressions such as route.request.header.Auth.
	IdentitySources []string
	// Permitted is set if API Gateway may invoke the authorizer's function.
	Permitted bool
}

// Throttle is a token bucket.
type Throttle struct {
	// Burst is the size of the bucket in requests, Rate its refill in requests
	// per second; zero accepts none. A negative value is not set in the
	// template; the next wider limit applies.
	Burst int
	Rate  float64
}

// Model is a JSON schema for the validation of messages.
type Model struct {
	Name, ContentType string
	Schema            []byte // JSON
}
