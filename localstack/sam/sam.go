// Package sam reads an AWS SAM or CloudFormation template and resolves it to a
// [Plan]: plain Go values that say which WebSocket APIs, functions, tables,
// keys and schedules exist, with every name, ARN and environment variable.
//
// Use it to run a template without AWS. It does what CloudFormation does: the
// resources of SAM are expanded to the resources that the SAM transform
// generates, under the same logical ids; then parameters, conditions and
// intrinsic functions are resolved in the order of the dependencies. Physical
// ids that AWS draws at random are derived from the stack name and the logical
// id, so the same template always gives the same plan.
//
// All mistakes are reported at once, each as one line with its position in the
// template and a remedy (see [Error]). Resources without effect on one machine,
// such as alarms and log groups, are listed in [Plan.Notes].
//
// The package does not call AWS, does not run or build functions, does not read
// the environment and does not write files. It reads the template,
// samconfig.toml if it is asked to, and the local files that the template
// includes; and it checks that the folders of the functions contain what a
// build needs.
//
// This package is the entrance. The parts, from the bottom up, are: template
// (syntax, positions, mistakes), shape (what a property may contain), eval
// (parameters, conditions, functions), resource (the set of resources and their
// order), check and build (resolved resources to the plan), expand (SAM's
// resources), catalog (one entry per resource type; add a type there) and
// samconfig. Package plan holds the result.
package sam

import (
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// The result of [Load]. The types are documented in packages plan and template.
type (
	// Plan is a resolved template.
	Plan = plan.Plan
	// Error is one mistake, Errors all of them.
	Error  = template.Error
	Errors = template.Errors
	// Note says that something in the template has no effect locally, and why.
	Note = template.Note

	Function     = plan.Function
	AsyncConfig  = plan.AsyncConfig
	Permission   = plan.Permission
	Role         = plan.Role
	Policy       = plan.Policy
	Statement    = plan.Statement
	WebSocketAPI = plan.WebSocketAPI
	Route        = plan.Route
	Mock         = plan.Mock
	Authorizer   = plan.Authorizer
	Model        = plan.Model
	Throttle     = plan.Throttle
	APIKey       = plan.APIKey
	Domain       = plan.Domain
	Table        = plan.Table
	KeyElement   = plan.KeyElement
	Index        = plan.Index
	Throughput   = plan.Throughput
	Key          = plan.Key
	Schedule     = plan.Schedule
	EventSource  = plan.EventSource
	Output       = plan.Output

	// AttributeDefinition gives the type of a key attribute.
	AttributeDefinition = plan.AttributeDefinition
)
