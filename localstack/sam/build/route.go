package build

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// predefined are the route keys that start with $.
var predefined = []string{"$connect", "$disconnect", "$default"}

// route resolves a route for one stage.
func (p *apiParts) route(res *template.Resource, stage string) plan.Route {
	props := res.Properties
	key := props.Get("RouteKey")
	r := plan.Route{
		Origin:                   p.s.Origin(res),
		LogicalID:                p.s.LogicalID(res),
		Key:                      key.Scalar(),
		Timeout:                  29 * time.Second, // API Gateway quotas
		RouteResponse:            props.Str("RouteResponseSelectionExpression") != "" && p.responses[res.Ref],
		APIKeyRequired:           props.BoolOr("ApiKeyRequired", false),
		RequestModels:            props.StringMap("RequestModels"),
		ModelSelectionExpression: props.Str("ModelSelectionExpression"),
	}
	if strings.HasPrefix(r.Key, "$") && !slices.Contains(predefined, r.Key) {
		p.s.Fail(key, "only $connect, $disconnect and $default start with $", "rename the route")
	}
	for _, f := range props.Get("RequestModels").Entries() {
		if _, ok := p.models[f.Value.Scalar()]; f.Value.Known() && !ok {
			p.s.Fail(f.Value, "the API has no model "+template.Quote(f.Value.Text),
				template.Suggest(f.Value.Text, template.SortedKeys(p.models), "", "add an AWS::ApiGatewayV2::Model"))
		}
	}
	p.authorize(res, &r)
	if integration := p.target(res, r.Key); integration != nil {
		p.integrate(integration, &r, stage)
	}
	return r
}

// target returns the integration of a route, or nil.
func (p *apiParts) target(res *template.Resource, key string) *template.Resource {
	target := res.Properties.Get("Target")
	switch {
	case target == nil:
		if key != "$connect" && key != "$disconnect" {
			p.s.Fail(res.At, "Target is missing", "add integrations/ and the id of an integration")
		}
		return nil
	case !target.Known():
		return nil
	}
	id, ok := strings.CutPrefix(target.Text, "integrations/")
	if !ok || p.integrations[id] == nil {
		p.s.Fail(target, template.Quote(target.Text)+" is not an integration of this API",
			"write !Sub integrations/${Integration}")
		return nil
	}
	return p.integrations[id]
}

// integrationTimeout is the range of WebSocket APIs in milliseconds (API
// Gateway quotas). HTTP APIs allow more.
var integrationTimeout = shape.Between(50, 29000)

// integrate adds an integration to a route for one stage.
func (p *apiParts) integrate(res *template.Resource, r *plan.Route, stage string) {
	props := res.Properties
	switch typ := props.Get("IntegrationType"); {
	case typ.Scalar() == "MOCK":
		p.mock(res, r)
		return
	case typ.Known() && typ.Text != "AWS_PROXY":
		p.s.Fail(typ, "integrations of type "+typ.Text+" are not run locally", "use AWS_PROXY with a function, or MOCK")
		return
	}
	if t, ok := props.Get("TimeoutInMillis").Int(); ok {
		shape.Check(p.s.Report, props.Get("TimeoutInMillis"), integrationTimeout, "")
		r.Timeout = time.Duration(t) * time.Millisecond
	}
	if f, arn := p.invoked(res, "IntegrationUri"); f != nil {
		r.FunctionLogicalID, r.FunctionARN = f.LogicalID, arn
		r.Permitted = p.mayInvoke(f, props.Str("CredentialsArn"), "/"+stage+"/"+r.Key)
	}
}

// mayInvoke reports whether API Gateway may invoke f: with the role
// credentials, or by a permission for the API with that suffix.
func (p *apiParts) mayInvoke(f *plan.Function, credentials, suffix string) bool {
	source := p.s.ARN("execute-api", p.api.Ref+suffix)
	return credentials != "" || f.Allows("apigateway.amazonaws.com", source, p.s.Plan.Account)
}

// stageVariable is a reference that API Gateway replaces with a variable of the
// stage (API Gateway developer guide, "Using API Gateway stage variables").
var stageVariable = regexp.MustCompile(`\$\{stageVariables\.([A-Za-z0-9_]+)\}`)

var invocationPath = regexp.MustCompile(`^arn:[^:]+:apigateway:[^:]+:lambda:path/2015-03-31/functions/(.+)/invocations$`)

// invoked returns the function in an invocation URI and its ARN there.
func (p *apiParts) invoked(res *template.Resource, property string) (*plan.Function, string) {
	uri := res.Properties.Get(property)
	switch {
	case uri == nil:
		p.s.Fail(res.At, property+" is missing", "add the invocation URI of a function")
		return nil, ""
	case !uri.Known():
		return nil, ""
	}
	text := stageVariable.ReplaceAllStringFunc(uri.Text, func(reference string) string {
		name := stageVariable.FindStringSubmatch(reference)[1]
		value, ok := p.variables[name]
		if !ok {
			p.s.Fail(uri, "the stage has no variable "+template.Quote(name), "add it to StageVariables")
		}
		return value
	})
	m := invocationPath.FindStringSubmatch(text)
	if m == nil {
		p.s.Fail(uri, template.Quote(uri.Text)+" is not the invocation URI of a function",
			"write !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations")
		return nil, ""
	}
	f := p.s.Plan.Function(m[1])
	if f == nil {
		p.s.Fail(uri, template.Quote(m[1])+" is not a function of this template",
			"refer to one with !GetAtt Function.Arn")
	}
	return f, m[1]
}

// authorize adds the authorization of $connect to its route.
func (p *apiParts) authorize(res *template.Resource, r *plan.Route) {
	typ := res.Properties.Get("AuthorizationType")
	switch {
	case !typ.Known() || typ.Text == "NONE":
	case r.Key != "$connect":
		p.s.Fail(typ, "only $connect can be authorized", "remove it from this route")
	case typ.Text == "AWS_IAM":
		r.IAM = true
	case typ.Text == "JWT":
		p.s.Fail(typ, "JWT authorizers are for HTTP APIs", "use CUSTOM with a REQUEST authorizer")
	default:
		if a := p.authorizer(res, typ); a != nil {
			r.Authorizer = p.newAuthorizer(a)
		}
	}
}

// authorizer returns the REQUEST authorizer of a route, or nil after a mistake.
func (p *apiParts) authorizer(res *template.Resource, typ *template.Value) *template.Resource {
	id := res.Properties.Get("AuthorizerId")
	if id == nil {
		p.s.Fail(typ, "AuthorizerId is missing", "refer to an AWS::ApiGatewayV2::Authorizer")
		return nil
	}
	a := p.authorizers[id.Scalar()]
	if a == nil {
		if id.Known() {
			p.s.Fail(id, template.Quote(id.Text)+" is not an authorizer of this API",
				"refer to one with !Ref Authorizer")
		}
		return nil
	}
	if t := a.Properties.Get("AuthorizerType"); t.Scalar() == "JWT" {
		p.s.Fail(t, "JWT authorizers are for HTTP APIs", "use REQUEST with a function")
		return nil
	}
	return a
}

func (p *apiParts) newAuthorizer(res *template.Resource) *plan.Authorizer {
	a := &plan.Authorizer{
		LogicalID:       p.s.LogicalID(res),
		ID:              res.Ref,
		Name:            res.Properties.Str("Name"),
		IdentitySources: res.Properties.Strings("IdentitySource"),
	}
	if f, arn := p.invoked(res, "AuthorizerUri"); f != nil {
		a.FunctionLogicalID, a.FunctionARN = f.LogicalID, arn
		// The source is the authorizer, not the route.
		a.Permitted = p.mayInvoke(f, res.Properties.Str("AuthorizerCredentialsArn"), "/authorizers/"+res.Ref)
	}
	return a
}
