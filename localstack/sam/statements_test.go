package sam

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests here show the numbered statements about SAM and CloudFormation
// that the local stack keeps.

// loadProject loads a template from a folder that has one with code, fn.
func loadProject(t *testing.T, template string) (*Plan, error) {
	t.Helper()
	dir := t.TempDir()
	codeFolders(t, dir)
	path := filepath.Join(dir, "t.yaml")
	if err := os.WriteFile(path, []byte(template), 0o644); err != nil {
		t.Fatal(err)
	}
	return Load(Options{Path: path})
}

func mustLoad(t *testing.T, template string) *Plan {
	t.Helper()
	p, err := loadProject(t, template)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// refused loads a template that has exactly the given mistakes, without the
// file's name.
func refused(t *testing.T, template string, want ...string) {
	t.Helper()
	_, err := loadProject(t, template)
	var es Errors
	if !errors.As(err, &es) {
		t.Fatalf("got %v, want mistakes", err)
	}
	var got []string
	for _, e := range es {
		_, line, _ := strings.Cut(e.Error(), "t.yaml:")
		got = append(got, line)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const samHead = `Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: fn}}
Resources:
  Fn: {Type: AWS::Serverless::Function}
`

func TestF1_1_WebSocketAPIIsAResourceOfSAM(t *testing.T) {
	p := mustLoad(t, samHead+`
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: {$default: {FunctionArn: !GetAtt Fn.Arn}}
`)
	if len(p.APIs) != 1 || p.APIs[0].LogicalID != "Chat" || p.APIs[0].Route("$default").FunctionLogicalID != "Fn" {
		t.Errorf("got %+v", p.APIs)
	}
}

func TestF1_2_PropertiesOfTheWebSocketAPI(t *testing.T) {
	t.Run("defaults", webSocketDefaults)
	t.Run("routes", webSocketRoutes)
	t.Run("authorizer", webSocketAuthorizer)
	t.Run("mistakes", webSocketMistakes)
}

func webSocketDefaults(t *testing.T) {
	p := mustLoad(t, samHead+`
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: {$connect: {FunctionArn: !GetAtt Fn.Arn}}
`)
	a := p.APIs[0]
	if a.Stage != "default" || a.Name != "Chat" || a.Routes[0].Timeout != 29*time.Second ||
		a.Routes[0].IAM || a.Routes[0].Authorizer != nil {
		t.Errorf("got %+v", a)
	}
}

func webSocketRoutes(t *testing.T) {
	p := mustLoad(t, samHead+`
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: prod
      RouteSelectionExpression: $request.body.action
      Routes:
        $connect: {FunctionArn: !GetAtt Fn.Arn, ApiKeyRequired: true, RequestParameters: {route.request.querystring.token: {Required: true}}}
        send: {FunctionArn: !GetAtt Fn.Arn, IntegrationTimeout: 5000, OperationName: Send, ModelSelectionExpression: $default, RequestModels: {$default: Model}}
      Auth: {AuthType: AWS_IAM}
  Model: {Type: AWS::ApiGatewayV2::Model, Properties: {ApiId: !Ref Chat, Name: Model, Schema: {type: object}}}
`)
	a := p.APIs[0]
	send := a.Route("send")
	if c := a.Route("$connect"); a.Stage != "prod" || !c.APIKeyRequired || !c.IAM {
		t.Errorf("$connect: got %+v", c)
	}
	if send.Timeout != 5*time.Second || send.RequestModels["$default"] != "Model" ||
		send.ModelSelectionExpression != "$default" || send.IAM {
		t.Errorf("send: got %+v", send)
	}
}

func webSocketAuthorizer(t *testing.T) {
	p := mustLoad(t, samHead+`
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: {$connect: {FunctionArn: !GetAtt Fn.Arn}}
      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt Fn.Arn, Name: door, IdentitySource: [route.request.header.Authorization]}
`)
	a := p.APIs[0].Routes[0].Authorizer
	if a == nil || a.Name != "door" || a.FunctionLogicalID != "Fn" || !a.Permitted ||
		!slices.Equal(a.IdentitySources, []string{"route.request.header.Authorization"}) {
		t.Errorf("got %+v", a)
	}
}

func webSocketMistakes(t *testing.T) {
	refused(t, samHead+`
  A: {Type: AWS::Serverless::WebSocketApi, Properties: {Routes: {$default: {}}}}
  B:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: $default
      RouteSelectionExpression: $request.body.action
      Auth: {AuthType: NONE}
      Routes:
        send: {FunctionArn: !GetAtt Fn.Arn, RequestParameters: {}}
`,
		"6:56: A: RouteSelectionExpression is missing; add RouteSelectionExpression",
		"6:76: A.Routes.$default: FunctionArn is missing; add FunctionArn",
		`10:18: B.StageName: "$default" is not a stage name of a WebSocket API; use up to 128 letters, digits, - and _`,
		"12:13: B.Auth: only $connect can be authorized, and there is no such route; add the route $connect or remove Auth",
		"14:64: B.Routes.send.RequestParameters: only $connect takes request parameters; remove them")
}

func TestF1_3_GeneratedResources(t *testing.T) {
	p := mustLoad(t, samHead+`
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: {$connect: {FunctionArn: !GetAtt Fn.Arn}}
      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt Fn.Arn}
  Prod:
    Type: AWS::Serverless::WebSocketApi
    Properties: {StageName: prod, RouteSelectionExpression: $request.body.action, Routes: {send: {FunctionArn: !GetAtt Fn.Arn}}}
Outputs:
  Route: {Value: !Ref ChatConnectRoute}
  Integration: {Value: !Ref ChatConnectIntegration}
  Permission: {Value: !Ref ChatConnectPermission}
  Stage: {Value: !Ref ChatDefaultStage}
  Named: {Value: !Ref ProdprodStage}
  Authorizer: {Value: !Ref ChatConnectAuthorizer}
  AuthorizerPermission: {Value: !Ref ChatAuthorizerPermission}
`)
	a := p.APIs[0]
	if a.StageLogicalID != "ChatDefaultStage" || p.APIs[1].StageLogicalID != "ProdprodStage" {
		t.Errorf("got the stages %s and %s", a.StageLogicalID, p.APIs[1].StageLogicalID)
	}
	for _, o := range p.Outputs {
		if o.Value == "" {
			t.Errorf("%s has no id", o.Name)
		}
	}
	want := "arn:aws:execute-api:us-east-1:000000000000:" + a.ID + "/default/$connect"
	f := p.Function("Fn")
	if !slices.ContainsFunc(f.Permissions, func(p Permission) bool { return p.SourceARN == want }) {
		t.Errorf("no permission is for %s: %+v", want, f.Permissions)
	}
	if !a.Routes[0].Permitted || !a.Routes[0].Authorizer.Permitted {
		t.Errorf("API Gateway may not invoke: %+v", a.Routes[0])
	}
}

func TestF1_4_PitfallsOfTheWebSocketAPI(t *testing.T) {
	t.Run("route keys", pitfallsOfRouteKeys)
	t.Run("no route response, no policy, no connector", noImpliedParts)
}

func pitfallsOfRouteKeys(t *testing.T) {
	refused(t, samHead+`
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Domain: {DomainName: ws.example.com, CertificateArn: arn, MutualTlsAuthentication: {TruststoreUri: s3://a/b}}
      Routes:
        send.message: {FunctionArn: !GetAtt Fn.Arn}
        sendMessage: {FunctionArn: !GetAtt Fn.Arn}
        sendmessage: {FunctionArn: !GetAtt Fn.Arn}
`,
		"10:90: Chat.Domain.MutualTlsAuthentication: WebSocket APIs do not support mutual TLS; remove it",
		"12:9: Chat.Routes.send.message: SAM accepts letters and digits only in a route key; rename it, or write AWS::ApiGatewayV2::Route resources",
		"14:9: Chat.Routes.sendmessage: SAM's logical id ChatSendmessageRoute for it is already used; rename the route: SAM ignores the case of its letters")
}

func noImpliedParts(t *testing.T) {
	api := `
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: {echo: {FunctionArn: !GetAtt Fn.Arn, RouteResponseSelectionExpression: $default}}
`
	p := mustLoad(t, samHead+api)
	if p.APIs[0].Routes[0].RouteResponse || len(p.Function("Fn").Role.Policies) > 0 {
		t.Errorf("got %+v and the policies %+v", p.APIs[0].Routes[0], p.Function("Fn").Role.Policies)
	}
	p = mustLoad(t, samHead+api+`
  Answer: {Type: AWS::ApiGatewayV2::RouteResponse, Properties: {ApiId: !Ref Chat, RouteId: !Ref ChatEchoRoute, RouteResponseKey: $default}}
`)
	if !p.APIs[0].Routes[0].RouteResponse {
		t.Error("a route response of the template has no effect")
	}
	refused(t, samHead+api+`
  Post: {Type: AWS::Serverless::Connector, Properties: {Source: {Id: Fn}, Destination: {Id: Chat}, Permissions: [Write]}}
`, "12:88: Post.Destination: SAM has no connector from AWS::Lambda::Function to AWS::ApiGatewayV2::Api; grant the actions in the function's Policies")
}

func TestA7_2_RouteResponseKeyIsDefault(t *testing.T) {
	refused(t, samHead+`
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: {echo: {FunctionArn: !GetAtt Fn.Arn, RouteResponseSelectionExpression: $default}}
  Answer: {Type: AWS::ApiGatewayV2::RouteResponse, Properties: {ApiId: !Ref Chat, RouteId: !Ref ChatEchoRoute, RouteResponseKey: other}}
`, `11:130: Answer.RouteResponseKey: is "other"; use $default, the only key of a route response`)
}

const rawAPI = `
  Chat: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: Chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  Send:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Chat, RouteKey: send, Target: !Join ['/', [integrations, !Ref SendCall]]}
  SendCall:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Chat
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations
`

const (
	autoDeploy = "  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Chat, StageName: default, AutoDeploy: true}}\n"
	deployed   = "  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Chat, StageName: default, DeploymentId: !Ref Deployment}}\n"
	permission = "  Permission: {Type: AWS::Lambda::Permission, Properties: {Action: lambda:InvokeFunction, FunctionName: !Ref Fn, Principal: apigateway.amazonaws.com"
)

func TestF1_6_BothFormsGiveTheSameAPI(t *testing.T) {
	short := mustLoad(t, samHead+`
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties: {RouteSelectionExpression: $request.body.action, Routes: {send: {FunctionArn: !GetAtt Fn.Arn}}}
`).APIs[0]
	long := mustLoad(t, samHead+rawAPI+autoDeploy+permission+"}}\n").APIs[0]
	a, b := short.Routes[0], long.Routes[0]
	if short.ID != long.ID || short.Stage != long.Stage || short.Name != long.Name ||
		short.RouteSelectionExpression != long.RouteSelectionExpression {
		t.Errorf("got %+v and %+v", short, long)
	}
	if a.Key != b.Key || a.FunctionARN != b.FunctionARN || a.Permitted != b.Permitted || a.Timeout != b.Timeout {
		t.Errorf("got %+v and %+v", a, b)
	}
}

func TestF2_1_IntegrationsNameAFunction(t *testing.T) {
	p := mustLoad(t, samHead+rawAPI+autoDeploy)
	if r := p.APIs[0].Route("send"); r.FunctionLogicalID != "Fn" || r.FunctionARN != p.Function("Fn").ARN {
		t.Errorf("got %+v", r)
	}
	refused(t, samHead+strings.NewReplacer("AWS_PROXY", "HTTP_PROXY").Replace(rawAPI)+autoDeploy,
		"14:24: SendCall.IntegrationType: integrations of type HTTP_PROXY are not run locally; use AWS_PROXY with a function, or MOCK")
	refused(t, samHead+strings.NewReplacer("/invocations", "").Replace(rawAPI)+autoDeploy,
		`15:23: SendCall.IntegrationUri: "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-…" is not the invocation URI of a function; `+
			"write !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations")
}

func TestF2_2_ADeploymentMayMissRoutes(t *testing.T) {
	deployment := "  Deployment: {Type: AWS::ApiGatewayV2::Deployment, Properties: {ApiId: !Ref Chat}}\n"
	p := mustLoad(t, samHead+rawAPI+deployed+deployment)
	want := "on AWS it may be created before the route Send and miss it; add DependsOn, or AutoDeploy to the stage"
	if len(p.Notes) != 1 || p.Notes[0].LogicalID != "Deployment" || p.Notes[0].Reason != want || p.Notes[0].Line != 17 {
		t.Errorf("got %+v", p.Notes)
	}
	p = mustLoad(t, samHead+rawAPI+deployed+
		strings.Replace(deployment, "Properties:", "DependsOn: Send, Properties:", 1))
	if len(p.Notes) > 0 {
		t.Errorf("with DependsOn: got %+v", p.Notes)
	}
}

func TestF2_3_StagesWithAutoDeployOrADeployment(t *testing.T) {
	deployment := "  Deployment: {Type: AWS::ApiGatewayV2::Deployment, DependsOn: Send, Properties: {ApiId: !Ref Chat}}\n"
	for name, stage := range map[string]string{"AutoDeploy": autoDeploy, "Deployment": deployed + deployment} {
		p := mustLoad(t, samHead+rawAPI+stage)
		if len(p.APIs) != 1 || p.APIs[0].Route("send") == nil || len(p.Notes) > 0 {
			t.Errorf("%s: got %+v, %+v", name, p.APIs, p.Notes)
		}
	}
	refused(t, samHead+rawAPI+strings.Replace(autoDeploy, ", AutoDeploy: true", "", 1),
		"16:10: Stage: the stage has no deployment; add AutoDeploy: true")
}

func TestF2_4_PermissionOfTheRoute(t *testing.T) {
	source := ", SourceArn: !Sub 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Chat}/"
	for name, test := range map[string]struct {
		permission string
		want       bool
	}{
		"none":          {"", false},
		"any source":    {permission + "}}\n", true},
		"the route":     {permission + source + "default/send'}}\n", true},
		"every route":   {permission + source + "*'}}\n", true},
		"another stage": {permission + source + "prod/send'}}\n", false},
		"another route": {permission + source + "default/$connect'}}\n", false},
	} {
		p := mustLoad(t, samHead+rawAPI+autoDeploy+test.permission)
		if got := p.APIs[0].Routes[0].Permitted; got != test.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestF2_5_PolicyForManageConnections(t *testing.T) {
	p := mustLoad(t, strings.Replace(samHead, "Function}\n", `Function, Properties: {Policies: [{Statement: [{
    Effect: Allow, Action: execute-api:ManageConnections,
    Resource: !Sub 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Chat}/prod/POST/@connections/*'}]}]}}
`, 1)+rawAPI+autoDeploy)
	s := p.Function("Fn").Role.Policies[0].Statements[0]
	want := "arn:aws:execute-api:us-east-1:000000000000:" + p.APIs[0].ID + "/prod/POST/@connections/*"
	if s.Effect != "Allow" || !slices.Equal(s.Action, []string{"execute-api:ManageConnections"}) ||
		!slices.Equal(s.Resource, []string{want}) {
		t.Errorf("got %+v", s)
	}
}

func TestF2_6_FunctionAndAPIReferToEachOther(t *testing.T) {
	p := mustLoad(t, `Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: fn, Environment: {Variables: {API: !Ref Chat}}}
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties: {RouteSelectionExpression: $request.body.action, Routes: {send: {FunctionArn: !GetAtt Fn.Arn}}}
`)
	if got := p.Function("Fn").Environment["API"]; got != p.APIs[0].ID {
		t.Errorf("got %q, want %q", got, p.APIs[0].ID)
	}
}

// On AWS a function is often chosen by a variable of the stage.
func TestF2_1_StageVariablesNameTheFunction(t *testing.T) {
	variable := strings.NewReplacer("${Fn.Arn}", "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:"+
		"function:${!stageVariables.fn}").Replace(rawAPI)
	if variable == rawAPI {
		t.Fatal("the template has no ${Fn.Arn}")
	}
	stage := strings.Replace(autoDeploy, "AutoDeploy: true", "AutoDeploy: true, StageVariables: {fn: !Ref Fn}", 1)
	p := mustLoad(t, samHead+variable+stage)
	if r := p.APIs[0].Route("send"); r.FunctionLogicalID != "Fn" || r.FunctionARN != p.Function("Fn").ARN {
		t.Errorf("got %+v, want the function of the stage's variable", r)
	}
	if _, err := loadProject(t, samHead+variable+autoDeploy); err == nil ||
		!strings.Contains(err.Error(), `the stage has no variable "fn"`) {
		t.Errorf("without the variable: got %v, want an error that names it", err)
	}
}
