package sam

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// apiParts are the resources of one API, found by their ApiId.
type apiParts struct {
	api          *resource
	routes       []*resource
	stages       []*resource
	integrations map[string]*resource // by id
	authorizers  map[string]*resource // by id
	responses    map[string]bool      // ids of routes with a $default response
	models       map[string]Model
}

// apis puts every WebSocket API together from its parts, once per stage.
func (l *loader) apis() {
	byID := map[string]*apiParts{}
	var order []*apiParts
	for _, res := range l.live("AWS::ApiGatewayV2::Api") {
		if res.props.str("ProtocolType") != "WEBSOCKET" {
			if t := res.props.get("ProtocolType"); t == nil || t.kind != unknown {
				l.note(l.written(res), res.id, res.typ, "HTTP APIs are not run locally; WebSocket APIs are")
			}
			continue
		}
		for _, name := range []string{"Name", "RouteSelectionExpression"} {
			if !res.props.has(name) && res.at.str("Type") == res.typ { // else SAM's form is checked
				l.fail(res.at, name+" is missing", "add "+name)
			}
		}
		parts := &apiParts{
			api:          res,
			integrations: map[string]*resource{},
			authorizers:  map[string]*resource{},
			responses:    map[string]bool{},
			models:       map[string]Model{},
		}
		byID[res.ref] = parts
		order = append(order, parts)
	}
	l.collect(byID)
	for _, parts := range order {
		l.api(parts)
	}
}

// collect sorts the parts to their APIs.
func (l *loader) collect(byID map[string]*apiParts) {
	for _, res := range l.order {
		part, ok := strings.CutPrefix(res.typ, "AWS::ApiGatewayV2::")
		if !ok || part == "Api" || res.off || res.noted || res.broken {
			continue
		}
		id := res.props.get("ApiId")
		if !id.known() {
			continue
		}
		parts := byID[id.text]
		if parts == nil {
			if !l.isOtherAPI(id.text) {
				l.fail(id, quote(id.text)+" is not an API of this template", "refer to one with !Ref Api")
			}
			continue
		}
		switch part {
		case "Route":
			parts.routes = append(parts.routes, res)
		case "Stage":
			parts.stages = append(parts.stages, res)
		case "Integration":
			parts.integrations[res.ref] = res
		case "Authorizer":
			parts.authorizers[res.ref] = res
		case "RouteResponse":
			key := res.props.get("RouteResponseKey")
			if key.known() && key.text != "$default" {
				l.fail(key, "is "+quote(key.text), "use $default, the only key of a route response")
			}
			parts.responses[res.props.str("RouteId")] = true
		case "IntegrationResponse":
			l.note(res.at, res.id, res.typ, "proxy integrations do not use integration responses")
		case "Model":
			l.model(parts, res)
		}
	}
}

// isOtherAPI tells an HTTP or REST API of the template, which is noted already.
func (l *loader) isOtherAPI(id string) bool {
	for _, res := range l.order {
		if res.ref == id && (res.typ == "AWS::ApiGatewayV2::Api" || res.noted) {
			return true
		}
	}
	return false
}

func (l *loader) model(parts *apiParts, res *resource) {
	schema := res.props.get("Schema")
	if schema == nil || schema.kind == unknown {
		return
	}
	m := Model{Name: res.props.str("Name"), ContentType: res.props.strOr("ContentType", "application/json")}
	if m.Schema = schema.json(); schema.kind == text {
		m.Schema = []byte(schema.text)
	}
	parts.models[m.Name] = m
}

// api resolves one API. The routes are resolved once per stage, because a
// permission may be for one stage only.
func (l *loader) api(parts *apiParts) {
	res := parts.api
	if len(parts.stages) == 0 {
		l.fail(res.at, "the API has no stage", "add an AWS::ApiGatewayV2::Stage with AutoDeploy: true")
	}
	if len(parts.routes) == 0 {
		if !l.hasBrokenParts(res) {
			l.fail(res.at, "the API has no routes", "add an AWS::ApiGatewayV2::Route")
		}
	}
	seen := map[string]string{}
	for _, r := range parts.routes {
		key := r.props.get("RouteKey")
		if other, ok := seen[key.scalar()]; ok && key.known() {
			l.fail(key, "the route "+other+" has this key already", "give each route its own key")
		}
		seen[key.scalar()] = r.id
	}
	for _, stage := range parts.stages {
		p := stage.props
		if !p.boolOr("AutoDeploy", false) && !p.has("DeploymentId") {
			l.fail(stage.at, "no deployment reaches the stage", "add AutoDeploy: true")
		}
		if name := p.get("StageName"); name.known() && !stageName.MatchString(name.text) {
			l.fail(name, quote(name.text)+" is not a stage name of a WebSocket API",
				"use up to 128 letters, digits, - and _")
		}
		api := WebSocketAPI{
			origin:                    l.origin(res),
			LogicalID:                 res.id,
			StageLogicalID:            stage.id,
			ID:                        res.ref,
			Name:                      res.props.str("Name"),
			Stage:                     p.str("StageName"),
			RouteSelectionExpression:  res.props.str("RouteSelectionExpression"),
			StageVariables:            p.strMap("StageVariables"),
			Throttle:                  throttle(p.get("DefaultRouteSettings")),
			Models:                    parts.models,
			DisableSchemaValidation:   res.props.boolOr("DisableSchemaValidation", false),
			APIKeySelectionExpression: res.props.strOr("ApiKeySelectionExpression", "$request.header.x-api-key"),
			DisableExecuteAPIEndpoint: res.props.boolOr("DisableExecuteApiEndpoint", false),
		}
		if e := res.props.get("ApiKeySelectionExpression"); e.known() && !slices.Contains(apiKeySources, e.text) {
			l.fail(e, "is "+quote(e.text), "use "+oneOf(apiKeySources))
		}
		l.checkDeployment(parts, stage)
		settings := p.get("RouteSettings")
		for _, r := range parts.routes {
			route := l.route(parts, r, api.Stage)
			route.Throttle = throttle(settings.get(route.Key))
			api.Routes = append(api.Routes, route)
		}
		if settings != nil {
			for _, f := range settings.fields {
				if seen[f.key] == "" {
					l.failKey(settings, f, "the API has no such route",
						suggest(f.key, sortedKeys(seen), "", "remove it"))
				}
			}
		}
		l.plan.APIs = append(l.plan.APIs, api)
	}
}

// apiKeySources are where API Gateway takes a client's key from.
var apiKeySources = []string{"$request.header.x-api-key", "$context.authorizer.usageIdentifierKey"}

// checkDeployment notes the routes that a deployment may come too early for: it
// is a copy of the API as it is when the deployment is made, and CloudFormation
// makes it without waiting for a route that it does not depend on.
func (l *loader) checkDeployment(parts *apiParts, stage *resource) {
	id := stage.props.get("DeploymentId")
	if !id.known() || stage.props.boolOr("AutoDeploy", false) {
		return
	}
	for _, deployment := range l.live("AWS::ApiGatewayV2::Deployment") {
		if deployment.ref != id.text {
			continue
		}
		before := map[*resource]bool{}
		var visit func(res *resource)
		visit = func(res *resource) {
			if !before[res] {
				before[res] = true
				for _, e := range l.edges(res) {
					visit(e.to)
				}
			}
		}
		visit(deployment)
		for _, r := range parts.routes {
			if !before[r] {
				l.note(l.written(deployment), deployment.id, deployment.typ,
					"on AWS it may be made before the route "+r.id+
						" and miss it; add DependsOn, or AutoDeploy to the stage")
			}
		}
	}
}

// stageName is API Gateway's rule for stages of WebSocket APIs.
var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// hasBrokenParts says whether the SAM form of the API has mistakes that keep
// its routes from being there, so that their absence is no further mistake.
func (l *loader) hasBrokenParts(res *resource) bool {
	return res.at.str("Type") == "AWS::Serverless::WebSocketApi" && len(l.errs) > 0
}

func throttle(v *value) *Throttle {
	if !v.has("ThrottlingBurstLimit") && !v.has("ThrottlingRateLimit") {
		return nil
	}
	t := &Throttle{Burst: v.intOr("ThrottlingBurstLimit", -1), Rate: -1}
	if f, ok := v.get("ThrottlingRateLimit").asFloat(); ok {
		t.Rate = f
	}
	return t
}

func (l *loader) route(parts *apiParts, res *resource, stage string) Route {
	p := res.props
	key := p.get("RouteKey")
	r := Route{
		origin:                   l.origin(res),
		LogicalID:                res.id,
		Key:                      key.scalar(),
		Timeout:                  29 * time.Second, // API Gateway quotas
		RouteResponse:            p.str("RouteResponseSelectionExpression") != "" && parts.responses[res.ref],
		APIKeyRequired:           p.boolOr("ApiKeyRequired", false),
		RequestModels:            p.strMap("RequestModels"),
		ModelSelectionExpression: p.str("ModelSelectionExpression"),
	}
	if strings.HasPrefix(r.Key, "$") && r.Key != "$connect" && r.Key != "$disconnect" && r.Key != "$default" {
		l.fail(key, "only $connect, $disconnect and $default start with $", "rename the route")
	}
	if models := p.get("RequestModels"); models != nil {
		for _, f := range models.fields {
			if _, ok := parts.models[f.value.scalar()]; f.value.known() && !ok {
				l.fail(f.value, "the API has no model "+quote(f.value.text),
					suggest(f.value.text, sortedKeys(parts.models), "", "add an AWS::ApiGatewayV2::Model"))
			}
		}
	}
	l.authorization(parts, res, &r, stage)
	target := p.get("Target")
	switch {
	case target == nil:
		if r.Key != "$connect" && r.Key != "$disconnect" {
			l.fail(res.at, "Target is missing", "add integrations/ and the id of an integration")
		}
		return r
	case !target.known():
		return r
	}
	id, ok := strings.CutPrefix(target.text, "integrations/")
	integration := parts.integrations[id]
	if !ok || integration == nil {
		l.fail(target, quote(target.text)+" is not an integration of this API",
			"write !Sub integrations/${Integration}")
		return r
	}
	l.integration(parts, integration, &r, stage)
	return r
}

// integrationTimeout is the range for WebSocket APIs in milliseconds (API
// Gateway quotas); HTTP APIs, which are only noted, allow more.
var integrationTimeout = between(50, 29000)

func (l *loader) integration(parts *apiParts, res *resource, r *Route, stage string) {
	p := res.props
	if typ := p.get("IntegrationType"); typ.known() && typ.text != "AWS_PROXY" {
		l.fail(typ, "integrations of type "+typ.text+" are not run locally", "use AWS_PROXY with a function")
		return
	}
	if t, ok := p.get("TimeoutInMillis").asInt(); ok {
		l.check(p.get("TimeoutInMillis"), integrationTimeout, "")
		r.Timeout = time.Duration(t) * time.Millisecond
	}
	f, arn := l.invoked(res, p.get("IntegrationUri"), "IntegrationUri")
	if f == nil {
		return
	}
	r.FunctionLogicalID, r.FunctionARN = f.LogicalID, arn
	source := l.arn("execute-api", l.plan.Region, parts.api.ref+"/"+stage+"/"+r.Key)
	r.Permitted = p.str("CredentialsArn") != "" || f.Allows("apigateway.amazonaws.com", source, l.plan.Account)
}

var invocationPath = regexp.MustCompile(`^arn:[^:]+:apigateway:[^:]+:lambda:path/2015-03-31/functions/(.+)/invocations$`)

// invoked finds the function behind an invocation URI.
func (l *loader) invoked(res *resource, uri *value, property string) (*Function, string) {
	if uri == nil {
		l.fail(res.at, property+" is missing", "add the invocation URI of a function")
		return nil, ""
	}
	if !uri.known() {
		return nil, ""
	}
	m := invocationPath.FindStringSubmatch(uri.text)
	if m == nil {
		l.fail(uri, quote(uri.text)+" is not the invocation URI of a function",
			"write !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations")
		return nil, ""
	}
	f := l.plan.Function(m[1])
	if f == nil {
		l.fail(uri, quote(m[1])+" is not a function of this template", "refer to one with !GetAtt Function.Arn")
	}
	return f, m[1]
}
