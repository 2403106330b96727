package resource

import (
	"fmt"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Set is the resources of one template while it is loaded.
type Set struct {
	*template.Report
	Eval *eval.Resolver
	Plan *plan.Plan
	// Stack is the stack that the template describes.
	Stack Stack
	// Resources is the Resources section.
	Resources *template.Value
	// Types are the types that have an effect, IgnoredTypes those without that
	// need a description.
	Types        map[string]*Type
	IgnoredTypes map[string]*Ignored
	// Order is all resources as written; a generated one follows the resource
	// it is generated from.
	Order []*template.Resource
	// Roles are the resolved roles by ARN. The Build of AWS::IAM::Role sets
	// them.
	Roles map[string]*plan.Role
	// HTTPEvents are the events of functions from REST and HTTP APIs.
	HTTPEvents []HTTPEvent
	// Nest loads the template of a nested stack, AWS::CloudFormation::Stack,
	// and sets what its references return.
	Nest func(res *template.Resource)

	// requested are the attributes that the template refers to, by logical id.
	requested map[string]map[string]bool
	owners    map[*template.Resource]*Set // of the resources of nested stacks
}

// Stack is a stack of the app: the one of the template that is loaded, or one
// nested in it.
type Stack struct {
	// Name is AWS::StackName. Dir is the folder of the template, absolute.
	Name, Dir string
	// Path has the logical ids of the nested stacks that lead to the stack,
	// joined by /. It is empty for the outermost stack.
	Path string
}

// LogicalID returns the logical id of a resource of the stack as the plan has
// it. As in SAM CLI, that of a nested stack is written Stack/Resource.
func (k Stack) LogicalID(id string) string {
	if k.Path == "" {
		return id
	}
	return k.Path + "/" + id
}

// HTTPEvent is an event of a function from a REST or HTTP API. It is not
// delivered locally.
type HTTPEvent struct {
	// Function is the logical id in the plan, Type is Api or HttpApi.
	Function, Name, Type string
	At                   *template.Value
}

// Adopt adds the resources of a nested stack, so that they are built together
// with those of s: the parts of an app may be spread over several templates.
func (s *Set) Adopt(nested *Set) {
	if s.owners == nil {
		s.owners = map[*template.Resource]*Set{}
	}
	for _, res := range nested.Order {
		s.owners[res] = nested.owner(res)
	}
	s.Order = append(s.Order, nested.Order...)
	s.HTTPEvents = append(s.HTTPEvents, nested.HTTPEvents...)
}

// owner returns the set of the template that has the resource.
func (s *Set) owner(res *template.Resource) *Set {
	if nested := s.owners[res]; nested != nil {
		return nested
	}
	return s
}

// LogicalID returns the logical id of a resource in the plan.
func (s *Set) LogicalID(res *template.Resource) string { return s.owner(res).Stack.LogicalID(res.ID) }

// Dir returns the absolute folder of the template that has the resource.
func (s *Set) Dir(res *template.Resource) string { return s.owner(res).Stack.Dir }

// Find returns the resource of this template with that logical id, or nil.
func (s *Set) Find(id string) *template.Resource { return s.Eval.Resources[id] }

// IDs returns all logical ids, sorted.
func (s *Set) IDs() []string { return template.SortedKeys(s.Eval.Resources) }

// Add adds a resource under its logical id.
func (s *Set) Add(res *template.Resource) {
	s.Eval.Resources[res.ID] = res
	s.Order = append(s.Order, res)
}

// Generate adds a resource that SAM generates from res. It has the condition
// and the position of res.
func (s *Set) Generate(res *template.Resource, id, typ string, fields ...template.Field) *template.Resource {
	g := &template.Resource{
		ID:         id,
		Type:       typ,
		At:         res.At,
		Properties: res.At.NewObject(fields...),
		Condition:  res.Condition,
		Disabled:   res.Disabled,
		Ignored:    s.Types[typ] == nil,
		Generated:  true,
	}
	if s.Find(id) != nil {
		s.Fail(res.At, fmt.Sprintf("SAM generates the resource %s from it, which exists already", id),
			"rename one of the two")
		return g // the caller completes it, but nothing refers to it
	}
	s.Add(g)
	return g
}

// Active returns the resources of a type that are created and have a known
// name.
func (s *Set) Active(typ string) []*template.Resource {
	var out []*template.Resource
	for _, res := range s.Order {
		if res.Type == typ && res.Active() {
			out = append(out, res)
		}
	}
	return out
}

// NoteResource records that a resource has no effect locally, at its logical
// id.
func (s *Set) NoteResource(res *template.Resource, reason string) {
	at := res.At
	if f := s.owner(res).Resources.Field(res.ID); f != nil {
		at = at.Derive(at.Kind)
		at.Line, at.Column = f.Line, f.Column
	}
	s.Note(at, s.LogicalID(res), res.Type, reason)
}

// TargetFunction returns the function that an ARN or name refers to. A
// function that is not in the template is a mistake, as nothing else runs it.
func (s *Set) TargetFunction(v *template.Value) *plan.Function {
	if !v.IsPresent() {
		return nil
	}
	f := s.Plan.Function(v.Scalar())
	if f == nil {
		s.Fail(v, template.Quote(v.Scalar())+" is not a function of this template",
			"refer to one with !GetAtt Function.Arn")
	}
	return f
}

// Origin returns the position of a resource, for the plan.
func (s *Set) Origin(res *template.Resource) plan.Origin { return plan.NewOrigin(s.File, res) }

// ARN returns an ARN in the account and region of the plan.
func (s *Set) ARN(service, rest string) string {
	return awsname.ARN(service, s.Plan.Region, s.Plan.Account, rest)
}

// GlobalARN returns an ARN in the account of the plan, for a service without
// regions.
func (s *Set) GlobalARN(service, rest string) string {
	return awsname.PartitionARN(s.Partition(), service, "", s.Plan.Account, rest)
}

// Partition returns the partition of the plan's region.
func (s *Set) Partition() string { return awsname.Partition(s.Plan.Region) }

// Host returns the name of a host of AWS in the region of the plan:
// prefix.region.amazonaws.com.
func (s *Set) Host(prefix string) string {
	return prefix + "." + s.Plan.Region + "." + awsname.DNSSuffix(s.Plan.Region)
}
