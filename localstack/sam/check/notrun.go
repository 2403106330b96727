package check

import (
	"regexp"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// otherRuntimes are Lambda's runtimes for other languages (Lambda Developer
// Guide, "Lambda runtimes").
var otherRuntimes = regexp.MustCompile(`^(nodejs|python|java|dotnet|dotnetcore|ruby)[0-9.x]*(\.al2)?$`)

// otherBuilds are SAM's build methods for other languages that do not have the
// name of a runtime.
var otherBuilds = regexp.MustCompile(`^(esbuild|rust-cargolambda|python-uv)$`)

// NotRun returns why a function cannot run here although it may be valid on
// AWS, or nil: only Go programs and executables of this machine run. What
// would be a mistake on AWS is none of these reasons.
func NotRun(res *template.Resource) *plan.NotRun {
	p := res.Properties
	runtime, method := p.Str("Runtime"), ""
	if res.Metadata.Is(template.Object) {
		method = res.Metadata.Str("BuildMethod")
	}
	switch code := p.Get("Code"); {
	case p.Str("PackageType") == "Image":
		return &plan.NotRun{Reason: "container images are not run locally", Property: "PackageType"}
	case otherRuntimes.MatchString(runtime):
		return &plan.NotRun{
			Reason:   "the runtime " + template.Quote(runtime) + " is not run locally",
			Property: "Runtime",
		}
	case otherBuilds.MatchString(method), otherRuntimes.MatchString(method):
		return &plan.NotRun{
			Reason:   "the build method " + template.Quote(method) + " is not for Go, so the function is not run locally",
			Property: "Metadata",
		}
	case code.IsScalar() && strings.Contains(code.Text, "://"), code.Has("S3Bucket"), code.Has("Bucket"):
		return &plan.NotRun{
			Reason:   "the code is not on this machine, so the function is not run locally",
			Property: "Code",
		}
	}
	return nil
}
