package sam

import "time"

// WebSocketAPI is one stage of an API Gateway WebSocket API.
type WebSocketAPI struct {
	origin
	// LogicalID and StageLogicalID name the resources in the template.
	LogicalID, StageLogicalID string
	// ID is the API id: ten lower-case letters and digits.
	ID, Name, Stage          string
	RouteSelectionExpression string
	Routes                   []Route
	StageVariables           map[string]string
	// Throttle is the stage's default for every route; nil is the account's
	// limit (10,000 requests/s, burst 5,000: API Gateway quotas).
	Throttle *Throttle
	// Models are the request models of the API, by name.
	Models map[string]Model
	// DisableSchemaValidation leaves the models' schemas unchecked when the API
	// is deployed. Messages are checked against them all the same.
	DisableSchemaValidation bool
	// APIKeySelectionExpression says where a client's key stands:
	// $request.header.x-api-key (the default) or
	// $context.authorizer.usageIdentifierKey.
	APIKeySelectionExpression string
	// APIKeys are the keys that a usage plan admits to this stage.
	APIKeys []APIKey
	// Domains are the custom domain names that lead to this stage.
	Domains []Domain
	// DisableExecuteAPIEndpoint closes the default host name, so that only
	// Domains lead here.
	DisableExecuteAPIEndpoint bool
}

// APIKey is a key that clients send where a route requires one.
type APIKey struct {
	LogicalID, ID, Name string
	// Value is the secret: 20 to 128 characters.
	Value   string
	Enabled bool
}

// Domain is a custom domain name and the path below it that leads to a stage.
type Domain struct {
	// Name is a host name such as ws.example.com.
	Name string
	// BasePath is the first element of the path; empty for the domain's root.
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

// Route is a route of a WebSocket API and the Lambda proxy integration behind
// it.
type Route struct {
	origin
	LogicalID string
	// Key is $connect, $disconnect, $default or the value of the selection
	// expression that leads here.
	Key string
	// FunctionLogicalID is the function in the plan; FunctionARN is what the
	// integration names, with its qualifier if it has one. Both are empty for a
	// $connect or $disconnect route without an integration.
	FunctionLogicalID, FunctionARN string
	// Permitted says whether API Gateway may invoke the function: by a
	// permission that covers this stage and route, or by the integration's
	// role.
	Permitted bool
	// Timeout is the integration's, 50 ms to 29 s (the default).
	Timeout time.Duration
	// RouteResponse says whether the function's body is sent back to the
	// client: the route has both a selection expression and a route response.
	RouteResponse bool
	// APIKeyRequired is set if a client needs an API key.
	APIKeyRequired bool
	// IAM is set if $connect needs a signed request (AuthorizationType
	// AWS_IAM).
	IAM bool
	// Authorizer is set on a $connect route with AuthorizationType CUSTOM.
	Authorizer *Authorizer
	// RequestModels maps the value of ModelSelectionExpression to a model's
	// name.
	RequestModels            map[string]string
	ModelSelectionExpression string
	// Throttle is set if the stage limits this route by itself.
	Throttle *Throttle
}

// Authorizer is a REQUEST Lambda authorizer.
type Authorizer struct {
	LogicalID, ID, Name            string
	FunctionLogicalID, FunctionARN string
	// IdentitySources are expressions such as route.request.header.Auth.
	IdentitySources []string
	// Permitted says whether API Gateway may invoke the authorizer's function.
	Permitted bool
}

// Throttle is a token bucket.
type Throttle struct {
	// Burst is the bucket's size in requests, Rate its refill in requests per
	// second; zero admits none. A negative value is one that the template does
	// not set, so the wider limit stays.
	Burst int
	Rate  float64
}

// Model is a JSON schema that requests are validated against.
type Model struct {
	Name, ContentType string
	Schema            []byte // JSON
}
