package resource

import (
	"fmt"
	"regexp"

	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Type is what the local stack knows of a resource type that has an effect. The
// functions get the set that the resource is in.
type Type struct {
	// Name is the name in templates, such as AWS::DynamoDB::Table.
	Name string
	// Shape is what Properties may contain.
	Shape *shape.Shape
	// Naming is the rule for the physical name; nil if the template cannot set
	// one.
	Naming *Naming
	// Needs are the properties that the local stack cannot do without, besides
	// the name: a value that only AWS knows is a mistake there.
	Needs []string
	// Identify sets Ref and Attributes, and Name if Naming is nil ("Return
	// values" in CloudFormation's reference). It is nil for a type that Expand
	// replaces.
	Identify func(*Set, *template.Resource)
	// Expand replaces a resource of SAM by resources of CloudFormation. The
	// properties are resolved early; written is what the template contains. nil
	// for types of CloudFormation.
	Expand func(s *Set, res *template.Resource, written *template.Value)
	// ExpandLast expands the type after all others.
	ExpandLast bool
	// Build adds all active resources of the type to the plan; they are
	// resolved. nil for types of SAM.
	Build func(*Set)
	// BuiltBy names the type whose Build handles this type too.
	BuiltBy string
}

// Naming is the rule for a physical name.
type Naming struct {
	// Property is where the template sets the name.
	Property string
	// Max bounds the length in characters.
	Max int
	// Pattern is the rule of the service's API.
	Pattern *regexp.Regexp
}

// Ignored is what the local stack knows of a resource type without effect.
type Ignored struct {
	// Name is the property with the physical name, which Ref returns unless
	// Identify sets something else; empty if the type has none. A mistake in a
	// property that nothing refers to has no effect.
	Name string
	// Uses is a second property that is resolved, for Identify.
	Uses string
	// Reason says why the type has no effect; empty for a general reason.
	Reason string
	// Generates is set if SAM expands the type to resources that a template may
	// refer to.
	Generates bool
	// Identify sets Ref and the Attributes that follow from the template or
	// from AWS's rules for names and ARNs. Name is set already, and so are the
	// attributes that are properties. What it leaves out, AWS assigns.
	Identify func(*Set, *template.Resource)
}

// identify gives a resource what Ref and Fn::GetAtt return.
func (s *Set) identify(res *template.Resource) {
	t := s.Types[res.Type]
	if t.Naming != nil {
		res.Name = s.physical(res, t.Naming)
		res.Ref = res.Name
	}
	t.Identify(s, res)
}

// physical returns the physical name of a resource: the one that the template
// sets, checked, or one made of the stack name and the logical id.
func (s *Set) physical(res *template.Resource, n *Naming) string {
	v := res.Properties.Get(n.Property)
	switch {
	case v == nil:
		return s.PhysicalName(res, n.Max)
	case v.Kind == template.Unknown:
		res.Broken = true
		return ""
	case len(v.Text) > n.Max || !n.Pattern.MatchString(v.Text):
		s.Fail(v, template.Quote(v.Text)+" is not a valid name",
			fmt.Sprintf("use up to %d characters that match %s", n.Max, n.Pattern))
		res.Broken = true
	}
	return v.Text
}
