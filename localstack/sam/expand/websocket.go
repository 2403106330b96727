package expand

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const lambdaURI = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function}/invocations"

// WebSocketAPI expands AWS::Serverless::WebSocketApi to the API, its stage, and
// for each route the route, the integration and the permission (samtranslator
// 1.109, websocket_api_generator.py).
func WebSocketAPI(s *resource.Set, res *template.Resource, written *template.Value) {
	p := res.Properties
	fields := append(template.Pick(p, "ApiKeySelectionExpression", "Description", "DisableExecuteApiEndpoint",
		"DisableSchemaValidation", "IpAddressType", "Name", "RouteSelectionExpression"),
		template.With("ProtocolType", res.At.NewText("WEBSOCKET")))
	if !p.Has("Name") {
		fields = append(fields, template.With("Name", res.At.NewText(res.ID)))
	}
	w := webSocket{s: s, res: res, p: p, api: res.At.NewRef(res.ID), stage: p.Get("StageName")}
	if w.stage == nil {
		w.stage = res.At.NewText("default")
	}
	res.Type = "AWS::ApiGatewayV2::Api"
	res.Properties = p.NewObject(fields...)
	w.expandStage(written.Get("StageName"))
	if d := p.Get("Domain"); d.Is(template.Object) {
		w.expandDomain(d)
	}
	routes := p.Get("Routes")
	if routes.Is(template.Object) && len(routes.Fields) == 0 {
		s.Fail(routes, "the API has no routes", "add at least one")
	}
	if auth := p.Get("Auth"); auth.Is(template.Object) {
		w.expandAuth(auth, routes)
	}
	for _, f := range routes.Entries() {
		w.expandRoute(routes, f)
	}
}

// webSocket is the expansion of one API.
type webSocket struct {
	s   *resource.Set
	res *template.Resource
	// p are the properties of SAM's resource.
	p *template.Value
	// api is a Ref to the API, stage the name of the stage.
	api, stage *template.Value
}

// expandStage generates the stage. SAM puts the name of the stage into the
// logical id, unless a function gives the name in the template (written).
func (w *webSocket) expandStage(written *template.Value) {
	prefix := w.stage.Scalar()
	switch {
	case written.Is(template.Call):
		prefix = ""
	case prefix == "default":
		prefix = "Default"
	case !template.IsAlphanumeric(prefix) && prefix != "$default" && w.stage.Known():
		w.s.Fail(w.stage, "SAM uses the stage's name in a logical id, which may have letters and digits only",
			"rename the stage or give its name by a parameter")
	}
	generated := w.s.Generate(w.res, w.res.ID+prefix+"Stage", "AWS::ApiGatewayV2::Stage",
		append(template.Pick(w.p, "StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"),
			template.With("ApiId", w.api), template.With("StageName", w.stage),
			template.With("AutoDeploy", w.stage.NewText("true")))...)
	w.res.Parts = map[string]string{"Stage": generated.ID}
}

// expandRoute generates the route, the integration and the permission.
func (w *webSocket) expandRoute(routes *template.Value, f template.Field) {
	if !isRouteKey(f.Key) {
		w.s.FailKey(routes, f, "SAM accepts letters and digits only in a route key",
			"rename it, or write AWS::ApiGatewayV2::Route resources")
		return
	}
	key := strings.TrimPrefix(f.Key, "$")
	base := w.res.ID + strings.ToUpper(key[:1]) + strings.ToLower(key[1:])
	switch {
	case f.Value.Kind != template.Object:
		return // reported by the check of the API
	case w.s.Find(base+"Route") != nil:
		w.s.FailKey(routes, f, fmt.Sprintf("SAM's logical id %sRoute for it is already used", base),
			"rename the route: SAM ignores the case of its letters")
		return
	}
	w.generateRoute(routes, f, base)
}

// generateRoute generates the resources of a valid route. Their logical ids
// start with base.
func (w *webSocket) generateRoute(routes *template.Value, f template.Field, base string) {
	route := f.Value
	at := routes.Derive(template.Text)
	at.Line, at.Column = f.Line, f.Column
	at.Parent, at.Key = routes, f.Key
	if params := route.Get("RequestParameters"); params != nil && f.Key != "$connect" {
		w.s.Fail(params, "only $connect takes request parameters", "remove them")
	}
	function := route.Get("FunctionArn")
	if function == nil {
		function = at.Derive(template.Unknown)
	}
	fields := append(template.Pick(route, "ApiKeyRequired", "ModelSelectionExpression", "OperationName",
		"RequestModels", "RequestParameters", "RouteResponseSelectionExpression"),
		template.With("ApiId", w.api), template.With("RouteKey", at.NewText(f.Key)),
		template.With("Target", at.NewCall("Fn::Sub", at.NewText("integrations/${"+base+"Integration}"))))
	if f.Key == "$connect" {
		fields = append(fields, w.authorization()...)
	}
	w.s.Generate(w.res, base+"Route", "AWS::ApiGatewayV2::Route", fields...)
	w.s.Generate(w.res, base+"Integration", "AWS::ApiGatewayV2::Integration",
		append(template.Pick(route, "TimeoutInMillis=IntegrationTimeout"),
			template.With("ApiId", w.api), template.With("IntegrationType", at.NewText("AWS_PROXY")),
			template.With("IntegrationUri", invocationURI(function)))...)
	source := at.NewText("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${" + w.res.ID +
		".ApiId}/${Stage}/" + f.Key)
	permission(w.s, w.res, base+"Permission", function, "apigateway.amazonaws.com",
		at.NewCall("Fn::Sub", at.NewList(source, at.NewObject(template.With("Stage", w.stage)))))
}

// isRouteKey reports whether SAM accepts a key of Routes.
func isRouteKey(key string) bool {
	name, predefined := strings.CutPrefix(key, "$")
	if predefined {
		return name == "connect" || name == "disconnect" || name == "default"
	}
	return template.IsAlphanumeric(name)
}

// authorization returns the fields of the $connect route for Auth.
func (w *webSocket) authorization() []template.Field {
	auth := w.p.Get("Auth")
	switch auth.Str("AuthType") {
	case "":
		return nil
	case "CUSTOM":
		return []template.Field{template.With("AuthorizationType", auth.Get("AuthType")),
			template.With("AuthorizerId", auth.NewRef(w.res.ID+"ConnectAuthorizer"))}
	}
	return []template.Field{template.With("AuthorizationType", auth.Get("AuthType"))}
}

// expandDomain generates the custom domain and one mapping for each base path.
// SAM puts a hash of the domain name into the logical id.
func (w *webSocket) expandDomain(d *template.Value) {
	name := d.Get("DomainName")
	if name == nil {
		return // reported by the check of the API
	}
	if m := d.Get("MutualTlsAuthentication"); m != nil {
		w.s.Fail(m, "WebSocket APIs do not support mutual TLS", "remove it")
	}
	if r := d.Get("Route53"); r != nil {
		w.s.Note(r, w.s.LogicalID(w.res), "Domain", "DNS records are not made locally")
	}
	sum := sha1.Sum([]byte(name.Scalar()))
	domain := w.s.Generate(w.res, "ApiGatewayDomainNameV2"+hex.EncodeToString(sum[:5]),
		"AWS::ApiGatewayV2::DomainName", template.With("DomainName", name))
	paths := []*template.Value{d.Get("BasePath")}
	if paths[0].Is(template.List) {
		paths = paths[0].Items
	}
	for _, path := range paths {
		fields := []template.Field{template.With("ApiId", w.api), template.With("DomainName", d.NewRef(domain.ID)),
			template.With("Stage", d.NewRef(w.res.Parts["Stage"]))}
		if path != nil {
			fields = append(fields, template.With("ApiMappingKey", path))
		}
		id := strings.NewReplacer("-", "", "_", "", "/", "").Replace(path.Scalar())
		w.s.Generate(w.res, w.res.ID+id+"ApiMapping", "AWS::ApiGatewayV2::ApiMapping", fields...)
	}
}

// expandAuth checks Auth and generates the authorizer.
func (w *webSocket) expandAuth(auth, routes *template.Value) {
	if routes != nil && !routes.Has("$connect") {
		w.s.Fail(auth, "only $connect can be authorized, and there is no such route",
			"add the route $connect or remove Auth")
	}
	switch typ := auth.Str("AuthType"); typ {
	case "": // reported by the check of the API
	case "CUSTOM":
		w.expandAuthorizer(auth)
	default:
		if len(auth.Fields) > 1 {
			w.s.Fail(auth, "AuthType "+typ+" takes no further settings", "remove them or use AuthType: CUSTOM")
		}
	}
}

// expandAuthorizer generates the REQUEST authorizer and its permission.
func (w *webSocket) expandAuthorizer(auth *template.Value) {
	function := auth.Get("AuthArn")
	if function == nil {
		function = w.s.Fail(auth, "AuthArn is missing", "add the ARN of the authorizer's function")
	}
	id := w.res.ID + "ConnectAuthorizer"
	fields := append(template.Pick(auth, "AuthorizerCredentialsArn=InvokeRole", "IdentitySource", "Name"),
		template.With("ApiId", w.api), template.With("AuthorizerType", auth.NewText("REQUEST")),
		template.With("AuthorizerUri", invocationURI(function)))
	if !auth.Has("Name") {
		fields = append(fields, template.With("Name", auth.NewText(id)))
	}
	w.s.Generate(w.res, id, "AWS::ApiGatewayV2::Authorizer", fields...)
	if !auth.Has("InvokeRole") {
		permission(w.s, w.res, w.res.ID+"AuthorizerPermission", function, "apigateway.amazonaws.com",
			auth.NewCall("Fn::Sub",
				auth.NewText("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${"+
					w.res.ID+".ApiId}/authorizers/*")))
	}
}

// invocationURI returns the integration URI of a function's ARN. It has the
// position of the ARN, where a mistake is to be corrected.
func invocationURI(function *template.Value) *template.Value {
	if function.Kind == template.Unknown {
		return function
	}
	return function.NewCall("Fn::Sub", function.NewList(function.NewText(lambdaURI),
		function.NewObject(template.With("Function", function))))
}
