package catalog

import (
	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Custom domains, API keys, and the usage plans that contain them.
var accessTypes = []*resource.Type{
	{
		Name: "AWS::ApiGatewayV2::ApiMapping",
		Shape: shape.Object(shape.Props{
			"ApiId":         shape.Required(shape.String),
			"ApiMappingKey": shape.String,
			"DomainName":    shape.Required(shape.String),
			"Stage":         shape.Required(shape.String),
		}),
		Identify: identifyPart,
		Build:    build.Domains,
	},
	{
		Name: "AWS::ApiGatewayV2::DomainName",
		Shape: shape.Object(shape.Props{
			"DomainName":               shape.Required(shape.String),
			"DomainNameConfigurations": shape.Any,
			"MutualTlsAuthentication":  shape.Any,
			"RoutingMode":              shape.String,
			"Tags":                     shape.StringMap,
		}),
		Needs:    []string{"DomainName"},
		Identify: identifyDomain,
		BuiltBy:  "AWS::ApiGatewayV2::ApiMapping",
	},
	{
		Name: "AWS::ApiGateway::ApiKey",
		Shape: shape.Object(shape.Props{
			"CustomerId":         shape.String,
			"Description":        shape.String,
			"Enabled":            shape.Bool,
			"GenerateDistinctId": shape.Bool,
			"Name":               shape.String,
			"StageKeys":          shape.Any,
			"Tags":               shape.TagList,
			"Value":              shape.String,
		}),
		Identify: func(s *resource.Set, res *template.Resource) {
			res.Ref = s.ShortID(res, 10, res.Type)
			res.Attributes = map[string]string{"APIKeyId": res.Ref}
		},
		Build: build.APIKeys,
	},
	{
		Name: "AWS::ApiGateway::UsagePlan",
		Shape: shape.Object(shape.Props{
			"ApiStages": shape.List(shape.Object(shape.Props{
				"ApiId":    shape.String,
				"Stage":    shape.String,
				"Throttle": shape.Any,
			})),
			"Description":   shape.String,
			"Quota":         shape.Any,
			"Tags":          shape.TagList,
			"Throttle":      shape.Any,
			"UsagePlanName": shape.String,
		}),
		Identify: identifyUsagePlan,
		BuiltBy:  "AWS::ApiGateway::ApiKey",
	},
	{
		Name: "AWS::ApiGateway::UsagePlanKey",
		Shape: shape.Object(shape.Props{
			"KeyId":       shape.Required(shape.String),
			"KeyType":     shape.Required(shape.Words("API_KEY")),
			"UsagePlanId": shape.Required(shape.String),
		}),
		Identify: identifyUsagePlan,
		BuiltBy:  "AWS::ApiGateway::ApiKey",
	},
}

func identifyUsagePlan(s *resource.Set, res *template.Resource) {
	res.Ref = s.ShortID(res, 10, res.Type)
	res.Attributes = map[string]string{"Id": res.Ref}
}

func identifyDomain(s *resource.Set, res *template.Resource) {
	res.Ref = res.Properties.Str("DomainName")
	res.Attributes = map[string]string{
		"DomainName":               res.Ref,
		"DomainNameArn":            s.ARN("apigateway", "/domainnames/"+res.Ref),
		"RegionalDomainName":       s.Eval.Placeholder(res, "RegionalDomainName"),
		"DistributionDomainName":   s.Eval.Placeholder(res, "DistributionDomainName"),
		"RegionalHostedZoneId":     s.Eval.Placeholder(res, "RegionalHostedZoneId"),
		"DistributionHostedZoneId": "Z2FDTNDATAQYW2", // CloudFront's own
	}
}
