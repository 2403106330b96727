package sam

import (
	"strings"
	"testing"
)

// mockAPI is an API with a two-way route ping on a mock.
const mockAPI = `Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: a, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: s, AutoDeploy: true}}
  Ping:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: ping
      RouteResponseSelectionExpression: $default
      Target: !Sub integrations/${Mock}
  PingResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Ping, RouteResponseKey: $default}
  Mock:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: MOCK
      TemplateSelectionExpression: EXPRESSION
      RequestTemplates: {KEY: '{"statusCode": STATUS}'}
  Exact:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties:
      ApiId: !Ref Api
      IntegrationId: !Ref Mock
      IntegrationResponseKey: /20[01]/
      TemplateSelectionExpression: v1
      ResponseTemplates: {v1: exact, $default: wrong}
  Number:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties:
      ApiId: !Ref Api
      IntegrationId: !Ref Mock
      IntegrationResponseKey: '404'
      TemplateSelectionExpression: absent
      ResponseTemplates: {$default: number}
  Otherwise:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties: {ApiId: !Ref Api, IntegrationId: !Ref Mock, IntegrationResponseKey: $default, ResponseTemplates: {$default: otherwise}}
`

func TestA10_2_TemplatesAreSelected(t *testing.T) {
	for _, test := range []struct{ expression, key, status, want string }{
		{`\$default`, "$default", "200", "exact"},
		{"$default", "$default", "201", "exact"},
		{`'200'`, "'200'", "200", "exact"},
		{"other", "$default", "404", "number"},
		{`''`, "$default", "500", "otherwise"},
	} {
		p := mustLoad(t, strings.NewReplacer("EXPRESSION", test.expression, "KEY", test.key, "STATUS", test.status).
			Replace(mockAPI))
		r := p.APIs[0].Route("ping")
		if r.Mock == nil || r.Mock.Response != test.want || r.FunctionARN != "" {
			t.Errorf("%+v: got %+v", test, r.Mock)
		}
		if len(p.Notes) > 0 {
			t.Errorf("got the notes %+v, want none", p.Notes)
		}
	}
}
