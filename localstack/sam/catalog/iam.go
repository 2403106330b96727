package catalog

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Roles are built with every policy that is attached to them.
var iamTypes = []*resource.Type{
	{
		Name: "AWS::IAM::Role",
		Shape: shape.Object(shape.Props{
			"AssumeRolePolicyDocument": shape.Required(shape.Document),
			"Description":              shape.String,
			"ManagedPolicyArns":        shape.StringList,
			"MaxSessionDuration":       shape.Int,
			"Path":                     shape.String,
			"PermissionsBoundary":      shape.String,
			"Policies": shape.List(shape.Object(shape.Props{
				"PolicyDocument": shape.Required(shape.Document),
				"PolicyName":     shape.Required(shape.String),
			})),
			"RoleName": shape.String,
			"Tags":     shape.TagList,
		}),
		Naming:   naming("RoleName", 64, `^[\w+=,.@-]+$`),
		Identify: identifyRole,
		Build:    build.Roles,
	},
	{
		Name: "AWS::IAM::ManagedPolicy",
		Shape: shape.Object(shape.Props{
			"Description":       shape.String,
			"Groups":            shape.StringList,
			"ManagedPolicyName": shape.String,
			"Path":              shape.String,
			"PolicyDocument":    shape.Required(shape.Document),
			"Roles":             shape.StringList,
			"Users":             shape.StringList,
		}),
		Naming:   naming("ManagedPolicyName", 128, `^[\w+=,.@-]+$`),
		Identify: identifyManagedPolicy,
		BuiltBy:  "AWS::IAM::Role",
	},
	{
		Name: "AWS::IAM::Policy",
		Shape: shape.Object(shape.Props{
			"Groups":         shape.StringList,
			"PolicyDocument": shape.Required(shape.Document),
			"PolicyName":     shape.Required(shape.String),
			"Roles":          shape.StringList,
			"Users":          shape.StringList,
		}),
		Identify: func(s *resource.Set, res *template.Resource) {
			res.Ref = s.PhysicalName(res, 64)
			res.Attributes = map[string]string{"Id": res.Ref}
		},
		BuiltBy: "AWS::IAM::Role",
	},
	{
		Name: "AWS::IAM::RolePolicy",
		Shape: shape.Object(shape.Props{
			"PolicyDocument": shape.Document,
			"PolicyName":     shape.Required(shape.String),
			"RoleName":       shape.Required(shape.String),
		}),
		Identify: func(s *resource.Set, res *template.Resource) {
			res.Ref = s.PhysicalName(res, 64)
		},
		BuiltBy: "AWS::IAM::Role",
	},
}

func identifyRole(s *resource.Set, res *template.Resource) {
	res.Attributes = map[string]string{
		"Arn":    s.GlobalARN("iam", "role"+res.Properties.StrOr("Path", "/")+res.Name),
		"RoleId": "AROA" + strings.ToUpper(s.ShortID(res, 17, "role")),
	}
}

func identifyManagedPolicy(s *resource.Set, res *template.Resource) {
	res.Ref = s.GlobalARN("iam", "policy"+res.Properties.StrOr("Path", "/")+res.Name)
	res.Attributes = map[string]string{
		"PolicyArn": res.Ref,
		"PolicyId":  "ANPA" + strings.ToUpper(s.ShortID(res, 17, "policy")),
	}
}
