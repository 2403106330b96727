package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Resolve resolves the properties of a resource and gives it its identity. The
// resources that it depends on must be resolved already.
func (s *Set) Resolve(res *template.Resource) {
	switch {
	case res.Disabled:
	case res.Ignored:
		s.identifyIgnored(res)
	default:
		t := s.Types[res.Type]
		res.Properties = s.Eval.Eval(res.Properties, eval.Full)
		shape.Check(s.Report, res.Properties, t.Shape, res.Type)
		s.placeholders(res, t)
		s.identify(res)
	}
}

// passive are the properties that no part of the local stack reads, or that
// only say where an invocation may come from.
var passive = []string{"AccessLogSettings", "CodeSigningConfigArn", "Description", "DomainNameConfigurations",
	"FileSystemConfigs", "KinesisStreamSpecification", "KmsKeyArn", "Layers", "NotificationARNs", "Parameters",
	"SSESpecification", "SourceAccount", "SourceArn", "SourceKMSKeyArn", "Tags", "VpcConfig"}

// placeholders notes the values in the properties of a resource that only AWS
// knows. Where the stack needs the value, it is a mistake. The parts of an API
// that is not run have no notes.
func (s *Set) placeholders(res *template.Resource, t *Type) {
	_, _, isOther := s.Eval.Placeholders.In(res.Properties.Str("ApiId"))
	for _, use := range s.Eval.Record(res.Properties, passive...) {
		if isOther {
			continue
		}
		property := strings.TrimPrefix(use.At.Subject(), res.ID+".")
		if s.needs(res, t, use.At) {
			s.Fail(use.At, "", "") // explained with the others
			res.Broken = res.Broken || t.Naming != nil && res.Properties.Get(t.Naming.Property) == use.At
			continue
		}
		s.NotePlaceholder(use.At, s.LogicalID(res), res.Type, fmt.Sprintf("%s is %s, because only AWS knows the value of %s (%s)",
			property, template.Quote(use.At.Text), use.Placeholder.Reference, use.Placeholder.Type))
	}
}

// needs reports whether v is a property that the stack cannot do without: the
// name, or one that the type lists.
func (s *Set) needs(res *template.Resource, t *Type, v *template.Value) bool {
	if t.Naming != nil && res.Properties.Get(t.Naming.Property) == v {
		return true
	}
	return slices.ContainsFunc(t.Needs, func(name string) bool { return res.Properties.Get(name) == v })
}

// ignored returns the description of an ignored type.
func (s *Set) ignored(typ string) *Ignored {
	if t := s.IgnoredTypes[typ]; t != nil {
		return t
	}
	return &Ignored{}
}

// Ignore records that a resource has no effect. It records nothing for a
// resource whose absence a function cannot observe, such as an alarm: a stack
// with thirty of them would print thirty lines that ask for nothing.
func (s *Set) Ignore(res *template.Resource) {
	t := s.ignored(res.Type)
	if t.Reason == "" && isIrrelevant(res.Type) {
		return
	}
	s.NoteResource(res, reason(res.Type, t))
}

// reason returns why a type has no effect.
func reason(typ string, t *Ignored) string {
	switch {
	case t.Reason != "":
		return t.Reason
	case strings.HasPrefix(typ, "Custom::"):
		return "custom resources are not run locally"
	case !strings.HasPrefix(typ, "AWS::"):
		return "extensions from the CloudFormation registry are not run locally"
	}
	return "is not run locally"
}

func isIrrelevant(typ string) bool {
	return slices.ContainsFunc(irrelevant, func(prefix string) bool { return strings.HasPrefix(typ, prefix) })
}

// irrelevant are the services whose absence a function cannot observe.
var irrelevant = []string{"AWS::Budgets::", "AWS::CloudWatch::", "AWS::CodeDeploy::", "AWS::Logs::",
	"AWS::ApiGateway::Account", "AWS::ApplicationInsights::", "AWS::ResourceGroups::", "AWS::Synthetics::",
	"AWS::XRay::", "AWS::CloudFormation::WaitCondition"}

// identifyIgnored gives an ignored resource the values for Ref and Fn::GetAtt
// that follow from the template or from AWS's rules for names and ARNs. For all
// others a placeholder stands.
func (s *Set) identifyIgnored(res *template.Resource) {
	t := s.ignored(res.Type)
	res.Name = s.PhysicalName(res, 64)
	if name := s.EvalProperty(res, t.Name); name != "" {
		res.Name = name
	}
	if t.Name != "" {
		res.Ref = res.Name
	}
	res.Attributes = map[string]string{}
	for attr := range s.requested[res.ID] {
		if text := s.EvalProperty(res, attr); text != "" {
			res.Attributes[attr] = text
		}
	}
	if t.Identify != nil {
		t.Identify(s, res)
	}
	if res.Ref == "" {
		res.Ref = s.Eval.Placeholder(res, "")
	}
}

// Request records the attributes of resources that v refers to. An attribute of
// an ignored resource that has the name of a property has its value; only those
// properties are resolved, because a mistake in another has no effect.
func (s *Set) Request(v *template.Value) {
	template.References(v, func(at *template.Value, name, attr string) {
		if attr == "" && at.Text == "Fn::Sub" {
			name, attr, _ = strings.Cut(name, ".")
		}
		if attr == "" || attr == "?" {
			return
		}
		if s.requested == nil {
			s.requested = map[string]map[string]bool{}
		}
		if s.requested[name] == nil {
			s.requested[name] = map[string]bool{}
		}
		s.requested[name][attr] = true
	})
}

// EvalProperty resolves one property of an ignored resource and returns its
// text, or "".
func (s *Set) EvalProperty(res *template.Resource, name string) string {
	v := res.Properties.Get(name)
	if v == nil {
		return ""
	}
	return s.owner(res).Eval.Eval(v, eval.Full).Scalar()
}
