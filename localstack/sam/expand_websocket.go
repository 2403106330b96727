package sam

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
)

const lambdaURI = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function}/invocations"

// expandWebSocketAPI turns AWS::Serverless::WebSocketApi into the API, its
// stage, and for each route the route, the integration and the permission,
// under SAM's logical ids (samtranslator 1.109, websocket_api_generator.py).
// The value stageName is StageName as the template writes it.
func (l *loader) expandWebSocketAPI(res *resource, stageName *value) {
	p := res.props
	api := refTo(res.at, res.id)
	fields := append(pick(p, "ApiKeySelectionExpression", "Description", "DisableExecuteApiEndpoint",
		"DisableSchemaValidation",
		"IpAddressType", "Name", "RouteSelectionExpression"), with("ProtocolType", res.at.newText("WEBSOCKET")))
	if !p.has("Name") {
		fields = append(fields, with("Name", res.at.newText(res.id)))
	}
	res.typ = "AWS::ApiGatewayV2::Api"
	res.props = p.newObject(fields...)
	stage := p.get("StageName")
	if stage == nil {
		stage = res.at.newText("default")
	}
	l.expandStage(res, p, api, stage, stageName)
	if d := p.get("Domain"); d != nil && d.kind == object {
		l.expandDomain(res, d, api)
	}
	routes := p.get("Routes")
	if routes != nil && routes.kind == object && len(routes.fields) == 0 {
		l.fail(routes, "the API has no routes", "add at least one")
	}
	if auth := p.get("Auth"); auth != nil && auth.kind == object {
		if routes != nil && !routes.has("$connect") {
			l.fail(auth, "only $connect can be authorized, and there is no such route",
				"add the route $connect or remove Auth")
		}
		l.expandAuthorizer(res, auth, api)
	}
	if routes != nil && routes.kind == object {
		for _, f := range routes.fields {
			l.expandRoute(res, p, routes, f, api, stage)
		}
	}
}

// expandStage generates the stage. SAM puts the stage's name into its logical
// id, unless the template gives the name by an intrinsic function (written).
func (l *loader) expandStage(res *resource, p, api, stage, written *value) {
	prefix := stage.scalar()
	switch {
	case written != nil && written.kind == call:
		prefix = ""
	case prefix == "default":
		prefix = "Default"
	case !isAlphanumeric(prefix) && prefix != "$default" && stage.known():
		l.fail(stage, "SAM puts the stage's name into a logical id, which takes letters and digits only",
			"rename the stage or give its name by a parameter")
	}
	generated := l.generate(res, res.id+prefix+"Stage", "AWS::ApiGatewayV2::Stage",
		append(pick(p, "StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"),
			with("ApiId", api), with("StageName", stage), with("AutoDeploy", stage.newText("true")))...)
	res.parts = map[string]string{"Stage": generated.id}
}

func (l *loader) expandRoute(res *resource, p, routes *value, f field, api, stage *value) {
	key := strings.TrimPrefix(f.key, "$")
	if key != f.key && key != "connect" && key != "disconnect" && key != "default" || !isAlphanumeric(key) {
		l.failKey(routes, f, "SAM takes letters and digits in a route key",
			"rename it, or write AWS::ApiGatewayV2::Route resources")
		return
	}
	route := f.value
	if route.kind != object {
		return
	}
	base := res.id + strings.ToUpper(key[:1]) + strings.ToLower(key[1:])
	if l.resources[base+"Route"] != nil {
		l.failKey(routes, f, fmt.Sprintf("SAM's logical id %sRoute for it exists already", base),
			"rename the route: SAM ignores the case of its letters")
		return
	}
	at := routes.derive(text)
	at.line, at.col = f.line, f.col
	at.parent, at.key = routes, f.key
	fields := append(pick(route, "ApiKeyRequired", "ModelSelectionExpression", "OperationName",
		"RequestModels", "RequestParameters",
		"RouteResponseSelectionExpression"),
		with("ApiId", api), with("RouteKey", at.newText(f.key)),
		with("Target", at.newCall("Fn::Sub", at.newText("integrations/${"+base+"Integration}"))))
	if auth := p.get("Auth"); f.key == "$connect" && auth.str("AuthType") != "" {
		fields = append(fields, with("AuthorizationType", auth.get("AuthType")))
		if auth.str("AuthType") == "CUSTOM" {
			fields = append(fields, with("AuthorizerId", refTo(auth, res.id+"ConnectAuthorizer")))
		}
	}
	if params := route.get("RequestParameters"); params != nil && f.key != "$connect" {
		l.fail(params, "only $connect takes request parameters", "remove them")
	}
	function := route.get("FunctionArn")
	if function == nil {
		function = at.derive(unknown)
	}
	l.generate(res, base+"Route", "AWS::ApiGatewayV2::Route", fields...)
	l.generate(res, base+"Integration", "AWS::ApiGatewayV2::Integration",
		append(pick(route, "TimeoutInMillis=IntegrationTimeout"),
			with("ApiId", api), with("IntegrationType", at.newText("AWS_PROXY")),
			with("IntegrationUri", invocationURI(function)))...)
	source := at.newText("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${" + res.id +
		".ApiId}/${Stage}/" + f.key)
	l.generate(res, base+"Permission", "AWS::Lambda::Permission",
		with("Action", at.newText("lambda:InvokeFunction")), with("FunctionName", function),
		with("Principal", at.newText("apigateway.amazonaws.com")),
		with("SourceArn", at.newCall("Fn::Sub", at.newList(source, at.newObject(with("Stage", stage))))))
}

// expandDomain generates the custom domain and one mapping per base path. SAM
// puts a hash of the domain's name into its logical id.
func (l *loader) expandDomain(res *resource, d, api *value) {
	name := d.get("DomainName")
	if name == nil {
		return // reported by the check of the API
	}
	if m := d.get("MutualTlsAuthentication"); m != nil {
		l.fail(m, "WebSocket APIs do not take mutual TLS", "remove it")
	}
	if r := d.get("Route53"); r != nil {
		l.note(r, res.id, "Domain", "DNS records are not made locally")
	}
	sum := sha1.Sum([]byte(name.scalar()))
	domain := l.generate(res, "ApiGatewayDomainNameV2"+hex.EncodeToString(sum[:5]),
		"AWS::ApiGatewayV2::DomainName", with("DomainName", name))
	paths := []*value{d.get("BasePath")}
	if paths[0] != nil && paths[0].kind == list {
		paths = paths[0].items
	}
	for _, path := range paths {
		fields := []field{with("ApiId", api), with("DomainName", refTo(d, domain.id)),
			with("Stage", refTo(d, res.parts["Stage"]))}
		if path != nil {
			fields = append(fields, with("ApiMappingKey", path))
		}
		id := strings.NewReplacer("-", "", "_", "", "/", "").Replace(path.scalar())
		l.generate(res, res.id+id+"ApiMapping", "AWS::ApiGatewayV2::ApiMapping", fields...)
	}
}

func (l *loader) expandAuthorizer(res *resource, auth, api *value) {
	typ := auth.str("AuthType")
	if typ != "CUSTOM" {
		if len(auth.fields) > 1 && typ != "" {
			l.fail(auth, "AuthType "+typ+" takes no further settings", "remove them or use AuthType: CUSTOM")
		}
		return
	}
	function := auth.get("AuthArn")
	if function == nil {
		l.fail(auth, "AuthArn is missing", "add the ARN of the authorizer's function")
		function = auth.derive(unknown)
	}
	id := res.id + "ConnectAuthorizer"
	fields := append(pick(auth, "AuthorizerCredentialsArn=InvokeRole", "IdentitySource", "Name"),
		with("ApiId", api), with("AuthorizerType", auth.newText("REQUEST")),
		with("AuthorizerUri", invocationURI(function)))
	if !auth.has("Name") {
		fields = append(fields, with("Name", auth.newText(id)))
	}
	l.generate(res, id, "AWS::ApiGatewayV2::Authorizer", fields...)
	if !auth.has("InvokeRole") {
		l.generate(res, res.id+"AuthorizerPermission", "AWS::Lambda::Permission",
			with("Action", auth.newText("lambda:InvokeFunction")), with("FunctionName", function),
			with("Principal", auth.newText("apigateway.amazonaws.com")),
			with("SourceArn", auth.newCall("Fn::Sub", auth.newText(
				"arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${"+res.id+
					".ApiId}/authorizers/*"))))
	}
}

// invocationURI is the integration URI of a function's ARN. It keeps the
// position of the ARN, where a mistake has to be corrected.
func invocationURI(function *value) *value {
	if function.kind == unknown {
		return function
	}
	return function.newCall("Fn::Sub",
		function.newList(function.newText(lambdaURI), function.newObject(with("Function", function))))
}
