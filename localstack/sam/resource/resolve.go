package resource

import (
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
		res.Properties = s.Eval.Eval(res.Properties, eval.Full)
		shape.Check(s.Report, res.Properties, s.Types[res.Type].Shape, res.Type)
		s.identify(res)
	}
}

// ignored returns the description of an ignored type.
func (s *Set) ignored(typ string) *Ignored {
	if t := s.IgnoredTypes[typ]; t != nil {
		return t
	}
	return &Ignored{}
}

// Ignore records that a resource has no effect, or that it is refused. It
// records nothing for a resource whose absence a function cannot observe, such
// as an alarm: a stack with thirty of them would print thirty lines that ask
// for nothing.
func (s *Set) Ignore(res *template.Resource) {
	t := s.ignored(res.Type)
	if t.Refusal.Problem != "" {
		s.Fail(res.At.Get("Type"), t.Refusal.Problem, t.Refusal.Remedy)
		res.Broken = true
		return
	}
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

// identifyIgnored gives an ignored resource values for Ref and Fn::GetAtt that
// have the form of the real ones.
func (s *Set) identifyIgnored(res *template.Resource) {
	t := s.ignored(res.Type)
	res.Name = s.PhysicalName(res, 64)
	if name := s.EvalProperty(res, t.Name); name != "" {
		res.Name = name
	}
	service := "aws"
	if parts := strings.Split(res.Type, "::"); len(parts) > 2 {
		service = strings.ToLower(parts[1])
	}
	kind := strings.ToLower(res.Type[strings.LastIndex(res.Type, ":")+1:])
	res.Ref = res.Name
	res.Attributes = map[string]string{"Arn": s.ARN(service, kind+"/"+res.Name)}
	if t.Identify != nil {
		t.Identify(s, res)
	}
}

// EvalProperty resolves one property of an ignored resource and returns its
// text, or "".
func (s *Set) EvalProperty(res *template.Resource, name string) string {
	v := res.Properties.Get(name)
	if v == nil {
		return ""
	}
	return s.Eval.Eval(v, eval.Full).Scalar()
}
