package check

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Variables checks the environment variables of a function.
func Variables(r *template.Report, variables *template.Value) {
	size := 0
	for _, f := range variables.Entries() {
		switch {
		case slices.Contains(awsname.ReservedVariables, f.Key):
			r.FailKey(variables, f, "Lambda sets this variable itself", "remove it or choose another name")
		case !awsname.VariableName.MatchString(f.Key):
			r.FailKey(variables, f, "is not the name of a variable",
				"use a letter, then at least one letter, digit or _")
		}
		size += len(f.Key) + len(f.Value.Scalar())
	}
	if size > awsname.MaxEnvironmentBytes {
		r.Fail(variables, fmt.Sprintf("the variables take %d bytes, Lambda allows %d", size,
			awsname.MaxEnvironmentBytes), "shorten them")
	}
}

// Settings refuses or notes settings of a function that have no effect locally
// although the function could observe them.
func Settings(s *resource.Set, res *template.Resource) {
	p := res.Properties
	for _, n := range []struct{ property, reason string }{
		{"Layers", "layers are not mounted locally"},
		{"VpcConfig", "functions run in this machine's network"},
		{"FileSystemConfigs", "file systems are not mounted locally"},
	} {
		if v := p.Get(n.property); v.IsPresent() {
			s.Note(v, s.LogicalID(res), n.property, n.reason)
		}
	}
	if v := p.Get("SnapStart").Get("ApplyOn"); v.Scalar() == "PublishedVersions" {
		s.Fail(v, "SnapStart is for Java, Python and .NET", "remove it")
	}
	if r := p.Get("Runtime"); r.Scalar() == "provided.al2" {
		s.Advise(r, s.LogicalID(res), "Runtime",
			"provided.al2 is deprecated since 2026-07-31, and Lambda creates no functions on it from 2027-02-01; "+
				"write provided.al2023")
	}
}

var runtimes = []string{"provided.al2023", "provided.al2"}

// Runtime refuses a function that cannot run as a native binary.
func Runtime(s *resource.Set, res *template.Resource) {
	runtime, handler := res.Properties.Get("Runtime"), res.Properties.Get("Handler")
	switch {
	case runtime == nil:
		s.Fail(res.At, "Runtime is missing", "add Runtime: provided.al2023")
	case runtime.Kind == template.Unknown || slices.Contains(runtimes, runtime.Scalar()):
	case runtime.Scalar() == "go1.x":
		s.Fail(runtime, "the runtime go1.x is retired",
			"write Runtime: provided.al2023, Handler: bootstrap and Metadata: {BuildMethod: go1.x}")
	default:
		s.Fail(runtime, "the runtime "+template.Quote(runtime.Scalar())+" is not run locally",
			"use "+template.OneOf(runtimes))
	}
	if handler == nil {
		s.Fail(res.At, "Handler is missing", "add Handler: bootstrap")
	}
}

// buildMethods are the values of Metadata.BuildMethod that are supported.
var buildMethods = []string{plan.Go, plan.Makefile}

// BuildMethod checks Metadata.BuildMethod of a function.
func BuildMethod(r *template.Report, metadata *template.Value) {
	if b := metadata.Get("BuildMethod"); b != nil && !slices.Contains(buildMethods, b.Scalar()) {
		r.Fail(b, "the build method "+template.Quote(b.Text)+" is not supported",
			"use "+template.OneOf(buildMethods))
	}
}

// limit is the range of an integer property. If unlimited is set, -1 is allowed
// too.
type limit struct {
	property  string
	low, high int
	unlimited bool
}

// check reports a value outside the range.
func (l limit) check(r *template.Report, p *template.Value) {
	v := p.Get(l.property)
	n, ok := v.Int()
	if !ok || n >= l.low && n <= l.high || l.unlimited && n == -1 {
		return
	}
	remedy := fmt.Sprintf("use %d to %d", l.low, l.high)
	if l.unlimited {
		remedy += ", or -1 for no limit"
	}
	r.Fail(v, "is "+strconv.Itoa(n), remedy)
}
