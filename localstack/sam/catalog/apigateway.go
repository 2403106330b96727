package catalog

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// The parts of a WebSocket API are built with it.
var apiTypes = []*resource.Type{
	{
		Name: "AWS::Serverless::WebSocketApi",
		Shape: shape.Object(shape.Props{
			"AccessLogSettings":         accessLog,
			"ApiKeySelectionExpression": shape.String,
			"Auth": shape.Object(shape.Props{
				"AuthType":       shape.Required(shape.Words("NONE", "AWS_IAM", "CUSTOM")),
				"AuthArn":        shape.String,
				"IdentitySource": shape.StringList,
				"InvokeRole":     shape.String,
				"Name":           shape.String,
			}),
			"DefaultRouteSettings":      routeSettings,
			"Description":               shape.String,
			"DisableExecuteApiEndpoint": shape.Bool,
			"DisableSchemaValidation":   shape.Bool,
			"Domain": shape.Object(shape.Props{
				"BasePath":                            shape.Any,
				"CertificateArn":                      shape.Required(shape.String),
				"DomainName":                          shape.Required(shape.String),
				"EndpointConfiguration":               shape.Words("REGIONAL"),
				"MutualTlsAuthentication":             shape.Any,
				"OwnershipVerificationCertificateArn": shape.String,
				"Route53":                             shape.Any,
				"SecurityPolicy":                      shape.String,
			}),
			"FailOnWarnings":           shape.Bool,
			"IpAddressType":            shape.Words("ipv4", "dualstack"),
			"Name":                     shape.String,
			"PropagateTags":            shape.Bool,
			"RouteSelectionExpression": shape.Required(shape.String),
			"RouteSettings":            shape.Map(routeSettings),
			"Routes": shape.Required(shape.Map(shape.Object(shape.Props{
				"ApiKeyRequired":                   shape.Bool,
				"FunctionArn":                      shape.Required(shape.String),
				"IntegrationTimeout":               shape.Int,
				"ModelSelectionExpression":         shape.String,
				"OperationName":                    shape.String,
				"RequestModels":                    shape.StringMap,
				"RequestParameters":                shape.Any,
				"RouteResponseSelectionExpression": shape.String,
			}))),
			"StageName":      shape.String,
			"StageVariables": shape.StringMap,
			"Tags":           shape.StringMap,
		}),
		Expand: expand.WebSocketAPI,
	},
	{
		Name: "AWS::ApiGatewayV2::Api",
		Shape: shape.Object(shape.Props{
			"ApiKeySelectionExpression": shape.String,
			"BasePath":                  shape.String,
			"Body":                      shape.Any,
			"BodyS3Location":            shape.Any,
			"CorsConfiguration":         shape.Any,
			"CredentialsArn":            shape.String,
			"Description":               shape.String,
			"DisableExecuteApiEndpoint": shape.Bool,
			"DisableSchemaValidation":   shape.Bool,
			"FailOnWarnings":            shape.Bool,
			"IpAddressType":             shape.Words("ipv4", "dualstack"),
			"Name":                      shape.String,
			"ProtocolType":              shape.Words("WEBSOCKET", "HTTP"),
			"RouteKey":                  shape.String,
			"RouteSelectionExpression":  shape.String,
			"Tags":                      shape.StringMap,
			"Target":                    shape.String,
			"Version":                   shape.String,
		}),
		Needs:    []string{"ProtocolType", "RouteSelectionExpression"},
		Identify: identifyAPI,
		Build:    build.APIs,
	},
	{
		Name: "AWS::ApiGatewayV2::Stage",
		Shape: shape.Object(shape.Props{
			"AccessLogSettings":    accessLog,
			"AccessPolicyId":       shape.String,
			"ApiId":                shape.Required(shape.String),
			"AutoDeploy":           shape.Bool,
			"ClientCertificateId":  shape.String,
			"DefaultRouteSettings": routeSettings,
			"DeploymentId":         shape.String,
			"Description":          shape.String,
			"RouteSettings":        shape.Map(routeSettings),
			"StageName":            shape.Required(shape.String),
			"StageVariables":       shape.StringMap,
			"Tags":                 shape.StringMap,
		}),
		Needs: []string{"StageName"},
		Identify: func(_ *resource.Set, res *template.Resource) {
			res.Ref = res.Properties.Str("StageName")
		},
		BuiltBy: "AWS::ApiGatewayV2::Api",
	},
	{
		Name: "AWS::ApiGatewayV2::Route",
		Shape: shape.Object(shape.Props{
			"ApiId":                            shape.Required(shape.String),
			"ApiKeyRequired":                   shape.Bool,
			"AuthorizationScopes":              shape.StringList,
			"AuthorizationType":                shape.Words("NONE", "AWS_IAM", "CUSTOM", "JWT"),
			"AuthorizerId":                     shape.String,
			"ModelSelectionExpression":         shape.String,
			"OperationName":                    shape.String,
			"RequestModels":                    shape.StringMap,
			"RequestParameters":                shape.Any,
			"RouteKey":                         shape.Required(shape.String),
			"RouteResponseSelectionExpression": shape.String,
			"Target":                           shape.String,
		}),
		Needs:    []string{"RouteKey"},
		Identify: identifyPart,
		BuiltBy:  "AWS::ApiGatewayV2::Api",
	},
	{
		Name: "AWS::ApiGatewayV2::Integration",
		Shape: shape.Object(shape.Props{
			"ApiId":                   shape.Required(shape.String),
			"ConnectionId":            shape.String,
			"ConnectionType":          shape.String,
			"ContentHandlingStrategy": shape.String,
			"CredentialsArn":          shape.String,
			"Description":             shape.String,
			"IntegrationMethod":       shape.String,
			"IntegrationSubtype":      shape.String,
			"IntegrationType": shape.Required(shape.Words("AWS_PROXY", "AWS", "HTTP",
				"HTTP_PROXY", "MOCK")),
			"IntegrationUri":              shape.String,
			"PassthroughBehavior":         shape.String,
			"PayloadFormatVersion":        shape.String,
			"RequestParameters":           shape.Any,
			"RequestTemplates":            shape.Any,
			"ResponseParameters":          shape.Any,
			"TemplateSelectionExpression": shape.String,
			"TimeoutInMillis":             shape.Int,
			"TlsConfig":                   shape.Any,
		}),
		Identify: identifyPart,
		BuiltBy:  "AWS::ApiGatewayV2::Api",
	},
	{
		Name: "AWS::ApiGatewayV2::Deployment",
		Shape: shape.Object(shape.Props{
			"ApiId":       shape.Required(shape.String),
			"Description": shape.String,
			"StageName":   shape.String,
		}),
		Identify: identifyPart,
		BuiltBy:  "AWS::ApiGatewayV2::Api",
	},
	{
		Name: "AWS::ApiGatewayV2::RouteResponse",
		Shape: shape.Object(shape.Props{
			"ApiId":                    shape.Required(shape.String),
			"ModelSelectionExpression": shape.String,
			"ResponseModels":           shape.Any,
			"ResponseParameters":       shape.Any,
			"RouteId":                  shape.Required(shape.String),
			"RouteResponseKey":         shape.Required(shape.String),
		}),
		Identify: identifyPart,
		BuiltBy:  "AWS::ApiGatewayV2::Api",
	},
	{
		Name: "AWS::ApiGatewayV2::IntegrationResponse",
		Shape: shape.Object(shape.Props{
			"ApiId":                       shape.Required(shape.String),
			"ContentHandlingStrategy":     shape.String,
			"IntegrationId":               shape.Required(shape.String),
			"IntegrationResponseKey":      shape.Required(shape.String),
			"ResponseParameters":          shape.Any,
			"ResponseTemplates":           shape.Any,
			"TemplateSelectionExpression": shape.String,
		}),
		Identify: identifyPart,
		BuiltBy:  "AWS::ApiGatewayV2::Api",
	},
	{
		Name: "AWS::ApiGatewayV2::Model",
		Shape: shape.Object(shape.Props{
			"ApiId":       shape.Required(shape.String),
			"ContentType": shape.String,
			"Description": shape.String,
			"Name":        shape.Required(shape.String),
			"Schema":      shape.Required(shape.Document),
		}),
		Identify: identifyPart,
		BuiltBy:  "AWS::ApiGatewayV2::Api",
	},
	{
		Name: "AWS::ApiGatewayV2::Authorizer",
		Shape: shape.Object(shape.Props{
			"ApiId":                          shape.Required(shape.String),
			"AuthorizerCredentialsArn":       shape.String,
			"AuthorizerPayloadFormatVersion": shape.String,
			"AuthorizerResultTtlInSeconds":   shape.Int,
			"AuthorizerType":                 shape.Required(shape.Words("REQUEST", "JWT")),
			"AuthorizerUri":                  shape.String,
			"EnableSimpleResponses":          shape.Bool,
			"IdentitySource":                 shape.StringList,
			"IdentityValidationExpression":   shape.String,
			"JwtConfiguration":               shape.Any,
			"Name":                           shape.Required(shape.String),
		}),
		Identify: identifyPart,
		BuiltBy:  "AWS::ApiGatewayV2::Api",
	},
}

var (
	routeSettings = shape.Object(shape.Props{
		"DataTraceEnabled":       shape.Bool,
		"DetailedMetricsEnabled": shape.Bool,
		"LoggingLevel":           shape.Words("ERROR", "INFO", "OFF"),
		"ThrottlingBurstLimit":   shape.Int,
		"ThrottlingRateLimit":    shape.Float,
	})
	accessLog = shape.Object(shape.Props{"DestinationArn": shape.String, "Format": shape.String})
)

func identifyAPI(s *resource.Set, res *template.Resource) {
	if res.Properties.Str("ProtocolType") != "WEBSOCKET" {
		identifyOtherAPI(s, res)
		return
	}
	res.Ref = s.ShortID(res, 10, "api")
	res.Attributes = map[string]string{
		"ApiId":         res.Ref,
		"ApiEndpoint":   "wss://" + s.Host(res.Ref+".execute-api"),
		"ExecuteApiArn": s.ARN("execute-api", res.Ref),
	}
}

// identifyOtherAPI identifies an API that is not run: AWS draws its id.
func identifyOtherAPI(s *resource.Set, res *template.Resource) {
	res.NotRun = true
	res.Ref = s.Eval.Placeholder(res, "")
	res.Attributes = map[string]string{"ApiId": res.Ref, "RestApiId": res.Ref}
}

// identifyPart is Identify for the parts of an API: Ref is an id, and so is the
// attribute RouteId, IntegrationId or the like.
func identifyPart(s *resource.Set, res *template.Resource) {
	res.Ref = s.ShortID(res, 7, "apipart")
	part := res.Type[strings.LastIndex(res.Type, ":")+1:]
	res.Attributes = map[string]string{part + "Id": res.Ref}
}
