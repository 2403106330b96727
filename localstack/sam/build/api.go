package build

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// apiParts are the resources of one API, found by their ApiId.
type apiParts struct {
	s            *resource.Set
	api          *template.Resource
	routes       []*template.Resource
	stages       []*template.Resource
	variables    map[string]string             // of the stage that is built
	integrations map[string]*template.Resource // by id
	authorizers  map[string]*template.Resource // by id
	responses    map[string]bool               // ids of routes with a $default response
	models       map[string]plan.Model

	integrationResponses map[string][]*template.Resource // by the id of the integration
}

// APIs builds AWS::ApiGatewayV2::Api with its parts. The plan has one entry per
// stage of a WebSocket API.
func APIs(s *resource.Set) {
	byID := map[string]*apiParts{}
	var order []*apiParts
	for _, res := range s.Active("AWS::ApiGatewayV2::Api") {
		if !isWebSocket(s, res) {
			continue
		}
		parts := &apiParts{
			s:            s,
			api:          res,
			integrations: map[string]*template.Resource{},
			authorizers:  map[string]*template.Resource{},
			responses:    map[string]bool{},
			models:       map[string]plan.Model{},

			integrationResponses: map[string][]*template.Resource{},
		}
		byID[res.Ref] = parts
		order = append(order, parts)
	}
	collect(s, byID)
	for _, parts := range order {
		parts.build()
	}
}

// isWebSocket reports whether an API is a WebSocket API. It reports an HTTP API
// as ignored.
func isWebSocket(s *resource.Set, res *template.Resource) bool {
	if p := res.Properties.Get("ProtocolType"); p.Scalar() != "WEBSOCKET" {
		if !p.Is(template.Unknown) {
			s.NoteResource(res, "HTTP APIs are not run locally; WebSocket APIs are")
		}
		return false
	}
	for _, name := range []string{"Name", "RouteSelectionExpression"} {
		if !res.Properties.Has(name) && res.At.Str("Type") == res.Type { // else SAM's form is checked
			s.Fail(res.At, name+" is missing", "add "+name)
		}
	}
	return true
}

// partKinds are the types that belong to an API, with what adds one to its API.
var partKinds = map[string]func(*apiParts, *template.Resource){
	"AWS::ApiGatewayV2::Route": func(p *apiParts, res *template.Resource) {
		p.routes = append(p.routes, res)
	},
	"AWS::ApiGatewayV2::Stage": func(p *apiParts, res *template.Resource) {
		p.stages = append(p.stages, res)
	},
	"AWS::ApiGatewayV2::Integration": func(p *apiParts, res *template.Resource) {
		p.integrations[res.Ref] = res
	},
	"AWS::ApiGatewayV2::Authorizer": func(p *apiParts, res *template.Resource) {
		p.authorizers[res.Ref] = res
	},
	"AWS::ApiGatewayV2::RouteResponse":       (*apiParts).addResponse,
	"AWS::ApiGatewayV2::IntegrationResponse": (*apiParts).addIntegrationResponse,
	"AWS::ApiGatewayV2::Model":               (*apiParts).addModel,
	// A deployment and a mapping have an ApiId too; stages and domains read
	// them.
	"AWS::ApiGatewayV2::Deployment": func(*apiParts, *template.Resource) {},
	"AWS::ApiGatewayV2::ApiMapping": func(*apiParts, *template.Resource) {},
}

// collect adds the parts to their APIs.
func collect(s *resource.Set, byID map[string]*apiParts) {
	for _, res := range s.Order {
		add := partKinds[res.Type]
		id := res.Properties.Get("ApiId")
		if add == nil || !res.Active() || !id.Known() {
			continue
		}
		if parts := byID[id.Text]; parts != nil {
			add(parts, res)
		} else if !isOtherAPI(s, id.Text) {
			s.Fail(id, template.Quote(id.Text)+" is not an API of this template", "refer to one with !Ref Api")
		}
	}
}

// isOtherAPI reports whether the template has an HTTP or REST API with that id.
// Such an API has a note.
func isOtherAPI(s *resource.Set, id string) bool {
	return slices.ContainsFunc(s.Order, func(res *template.Resource) bool {
		return res.Ref == id && (res.Type == "AWS::ApiGatewayV2::Api" || res.Ignored)
	})
}

func (p *apiParts) addResponse(res *template.Resource) {
	key := res.Properties.Get("RouteResponseKey")
	if key.Known() && key.Text != "$default" {
		p.s.Fail(key, "is "+template.Quote(key.Text), "use $default, the only key of a route response")
	}
	p.responses[res.Properties.Str("RouteId")] = true
}

func (p *apiParts) addIntegrationResponse(res *template.Resource) {
	id := res.Properties.Str("IntegrationId")
	p.integrationResponses[id] = append(p.integrationResponses[id], res)
}

// noteIntegrationResponses notes those of proxy integrations, which have no
// effect.
func (p *apiParts) noteIntegrationResponses() {
	for _, res := range p.s.Active("AWS::ApiGatewayV2::IntegrationResponse") {
		integration := p.integrations[res.Properties.Str("IntegrationId")]
		if integration != nil && strings.HasSuffix(integration.Properties.Str("IntegrationType"), "_PROXY") {
			p.s.Advise(res.At, p.s.LogicalID(res), res.Type, "proxy integrations do not use integration responses")
		}
	}
}

func (p *apiParts) addModel(res *template.Resource) {
	schema := res.Properties.Get("Schema")
	if !schema.IsPresent() {
		return
	}
	m := plan.Model{
		Name:        res.Properties.Str("Name"),
		ContentType: res.Properties.StrOr("ContentType", "application/json"),
		Schema:      schema.JSON(),
	}
	if schema.Kind == template.Text {
		m.Schema = []byte(schema.Text)
	}
	p.models[m.Name] = m
}

// build adds the stages of the API to the plan. The routes are resolved for
// each stage, because a permission may be for one stage only.
func (p *apiParts) build() {
	if len(p.stages) == 0 {
		p.s.Fail(p.api.At, "the API has no stage", "add an AWS::ApiGatewayV2::Stage with AutoDeploy: true")
	}
	if len(p.routes) == 0 && !p.hasMistakes() {
		p.s.Fail(p.api.At, "the API has no routes", "add an AWS::ApiGatewayV2::Route")
	}
	p.noteIntegrationResponses()
	keys := p.routeKeys()
	for _, stage := range p.stages {
		p.checkStage(stage)
		p.checkDeployment(stage)
		api := p.newStage(stage)
		p.variables = api.StageVariables
		settings := stage.Properties.Get("RouteSettings")
		for _, r := range p.routes {
			route := p.route(r, api.Stage)
			route.Throttle = throttle(settings.Get(route.Key))
			api.Routes = append(api.Routes, route)
		}
		for _, f := range settings.Entries() {
			if keys[f.Key] == "" {
				p.s.FailKey(settings, f, "the API has no such route",
					template.Suggest(f.Key, template.SortedKeys(keys), "", "remove it"))
			}
		}
		p.s.Plan.APIs = append(p.s.Plan.APIs, api)
	}
}

// hasMistakes reports whether the SAM form of the API may lack its routes
// because of a mistake. Then their absence is no further mistake.
func (p *apiParts) hasMistakes() bool {
	return p.api.At.Str("Type") == "AWS::Serverless::WebSocketApi" && len(p.s.Errors) > 0
}

// routeKeys returns the logical id of the route with each key. A second route
// with the same key is a mistake.
func (p *apiParts) routeKeys() map[string]string {
	keys := map[string]string{}
	for _, r := range p.routes {
		key := r.Properties.Get("RouteKey")
		if other, ok := keys[key.Scalar()]; ok && key.Known() {
			p.s.Fail(key, "the route "+other+" has this key already", "give each route its own key")
		}
		keys[key.Scalar()] = r.ID
	}
	return keys
}

// stageName is API Gateway's rule for stages of WebSocket APIs.
var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (p *apiParts) checkStage(stage *template.Resource) {
	if !stage.Properties.BoolOr("AutoDeploy", false) && !stage.Properties.Has("DeploymentId") {
		p.s.Fail(stage.At, "the stage has no deployment", "add AutoDeploy: true")
	}
	if name := stage.Properties.Get("StageName"); name.Known() && !stageName.MatchString(name.Text) {
		p.s.Fail(name, template.Quote(name.Text)+" is not a stage name of a WebSocket API",
			"use up to 128 letters, digits, - and _")
	}
	if e := p.api.Properties.Get("ApiKeySelectionExpression"); e.Known() && !slices.Contains(apiKeySources, e.Text) {
		p.s.Fail(e, "is "+template.Quote(e.Text), "use "+template.OneOf(apiKeySources))
	}
}

// apiKeySources are the values of ApiKeySelectionExpression.
var apiKeySources = []string{"$request.header.x-api-key", "$context.authorizer.usageIdentifierKey"}

// newStage returns the plan's entry for a stage, without routes.
func (p *apiParts) newStage(stage *template.Resource) plan.WebSocketAPI {
	api := p.api.Properties
	return plan.WebSocketAPI{
		Origin:                    p.s.Origin(p.api),
		LogicalID:                 p.s.LogicalID(p.api),
		StageLogicalID:            p.s.LogicalID(stage),
		ID:                        p.api.Ref,
		Name:                      api.Str("Name"),
		Stage:                     stage.Properties.Str("StageName"),
		RouteSelectionExpression:  api.Str("RouteSelectionExpression"),
		StageVariables:            stage.Properties.StringMap("StageVariables"),
		Throttle:                  throttle(stage.Properties.Get("DefaultRouteSettings")),
		Models:                    p.models,
		DisableSchemaValidation:   api.BoolOr("DisableSchemaValidation", false),
		APIKeySelectionExpression: api.StrOr("ApiKeySelectionExpression", apiKeySources[0]),
		DisableExecuteAPIEndpoint: api.BoolOr("DisableExecuteApiEndpoint", false),
	}
}

// checkDeployment notes the routes that a deployment may miss. A deployment is
// a copy of the API at the time when it is created, and CloudFormation does not
// create a route first if the deployment does not depend on it.
func (p *apiParts) checkDeployment(stage *template.Resource) {
	id := stage.Properties.Get("DeploymentId")
	if !id.Known() || stage.Properties.BoolOr("AutoDeploy", false) {
		return
	}
	for _, deployment := range p.s.Active("AWS::ApiGatewayV2::Deployment") {
		if deployment.Ref != id.Text {
			continue
		}
		before := p.s.Before(deployment)
		for _, r := range p.routes {
			if !before[r] {
				p.s.NoteResource(deployment, "on AWS it may be created before the route "+r.ID+
					" and miss it; add DependsOn, or AutoDeploy to the stage")
			}
		}
	}
}

func throttle(v *template.Value) *plan.Throttle {
	if !v.Has("ThrottlingBurstLimit") && !v.Has("ThrottlingRateLimit") {
		return nil
	}
	t := &plan.Throttle{Burst: v.IntOr("ThrottlingBurstLimit", -1), Rate: -1}
	if f, ok := v.Get("ThrottlingRateLimit").Float(); ok {
		t.Rate = f
	}
	return t
}
