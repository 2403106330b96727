package build

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/sam/check"
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Functions builds AWS::Lambda::Function.
func Functions(s *resource.Set) {
	for _, res := range s.Active("AWS::Lambda::Function") {
		s.Plan.Functions = append(s.Plan.Functions, function(s, res))
	}
}

func function(s *resource.Set, res *template.Resource) plan.Function {
	p := res.Properties
	f := plan.Function{
		Origin:        s.Origin(res),
		LogicalID:     s.LogicalID(res),
		Name:          res.Name,
		ARN:           res.Attributes["Arn"],
		Handler:       p.Str("Handler"),
		Runtime:       p.Str("Runtime"),
		Architectures: p.Strings("Architectures"),
		Timeout:       seconds(p, "Timeout", awsname.DefaultTimeout),
		MemoryMB:      p.IntOr("MemorySize", awsname.DefaultMemoryMB),
		StorageMB:     p.Get("EphemeralStorage").IntOr("Size", 512),
		Environment:   p.Get("Environment").StringMap("Variables"),
		Logging: plan.Logging{
			Format:           p.Get("LoggingConfig").Str("LogFormat"),
			Group:            p.Get("LoggingConfig").Str("LogGroup"),
			ApplicationLevel: p.Get("LoggingConfig").Str("ApplicationLogLevel"),
			SystemLevel:      p.Get("LoggingConfig").Str("SystemLogLevel"),
		},
		Traced: p.Get("TracingConfig").Str("Mode") == "Active",
		Async: plan.AsyncConfig{
			MaxAge:     awsname.MaxEventAge,
			Retries:    awsname.DefaultRetries,
			DeadLetter: p.Get("DeadLetterConfig").Str("TargetArn"),
		},
		Role: functionRole(s, p.Get("Role")),
	}
	if f.Environment == nil {
		f.Environment = map[string]string{}
	}
	switch {
	case len(f.Architectures) == 0:
		f.Architectures = []string{"x86_64"}
	case len(f.Architectures) > 1:
		s.Fail(p.Get("Architectures"), "holds more than one architecture", "keep one")
	}
	if n, ok := p.Get("ReservedConcurrentExecutions").Int(); ok {
		f.ReservedConcurrency = &n
	}
	check.Variables(s.Report, p.Get("Environment").Get("Variables"))
	checkTrust(s, res, &f)
	code(s, res, &f)
	return f
}

// code fills in what the build of the function needs, or why it is not run.
func code(s *resource.Set, res *template.Resource, f *plan.Function) {
	if f.NotRun = check.NotRun(res); f.NotRun != nil {
		return
	}
	check.Settings(s, res)
	if res.Metadata.Is(template.Object) {
		f.BuildMethod = res.Metadata.Str("BuildMethod")
		f.BuildProperties = res.Metadata.StringMap("BuildProperties")
		check.BuildMethod(s.Report, res.Metadata)
	}
	check.Code(s, res, f)
	check.Runtime(s, res)
}

// seconds reads a duration in seconds.
func seconds(p *template.Value, key string, def time.Duration) time.Duration {
	if n, ok := p.Get(key).Int(); ok {
		return time.Duration(n) * time.Second
	}
	return def
}

// functionRole returns the role of a function, which may be outside the
// template.
func functionRole(s *resource.Set, v *template.Value) plan.Role {
	arn := v.Scalar()
	if r := s.Roles[arn]; r != nil {
		return *r
	}
	if v.Known() && !strings.HasPrefix(arn, "arn:") {
		s.Fail(v, template.Quote(arn)+" is not a role's ARN", "refer to a role with !GetAtt Role.Arn")
	}
	return plan.Role{ARN: arn, Name: arn[strings.LastIndex(arn, "/")+1:]}
}

// checkTrust refuses a role of the template that Lambda cannot assume.
func checkTrust(s *resource.Set, res *template.Resource, f *plan.Function) {
	role := roleResource(s, f.Role.ARN)
	if role == nil {
		return
	}
	doc := role.Properties.Get("AssumeRolePolicyDocument")
	if !doc.Is(template.Object) {
		return
	}
	var trust plan.Policy
	if s.Fails(func() { trust = policy(s, "", doc) }) {
		return
	}
	if !slices.ContainsFunc(trust.Statements, trustsLambda) {
		s.Fail(doc, "Lambda cannot assume the role of "+res.ID, "allow sts:AssumeRole to Service: lambda.amazonaws.com")
	}
}

// roleResource returns the role of the templates with that ARN, or nil.
func roleResource(s *resource.Set, arn string) *template.Resource {
	for _, res := range s.Active("AWS::IAM::Role") {
		if res.Attributes["Arn"] == arn {
			return res
		}
	}
	return nil
}

// trustsLambda reports whether a statement lets Lambda assume a role.
func trustsLambda(st plan.Statement) bool {
	trusted := slices.Concat(st.Principal["Service"], st.Principal["AWS"])
	return st.Effect == "Allow" &&
		slices.ContainsFunc(st.Action, func(action string) bool {
			return awsname.Match(strings.ToLower(action), "sts:assumerole")
		}) &&
		(slices.Contains(trusted, "lambda.amazonaws.com") || slices.Contains(trusted, "*"))
}

// Qualifiers adds every AWS::Lambda::Version and AWS::Lambda::Alias to its
// function. Locally a function is published once, as version 1.
func Qualifiers(s *resource.Set) {
	for _, res := range s.Order {
		alias := res.Type == "AWS::Lambda::Alias"
		if !alias && res.Type != "AWS::Lambda::Version" || !res.Active() {
			continue
		}
		f := s.Plan.Function(s.EvalProperty(res, "FunctionName"))
		if f == nil {
			continue
		}
		version := "1"
		if alias {
			version = cmp.Or(s.EvalProperty(res, "FunctionVersion"), version)
			if f.Aliases == nil {
				f.Aliases = map[string]string{}
			}
			f.Aliases[res.Name] = version
		}
		if version != "$LATEST" && !slices.Contains(f.Versions, version) {
			f.Versions = append(f.Versions, version)
		}
	}
}

// InvokeConfigs applies every AWS::Lambda::EventInvokeConfig to its function.
func InvokeConfigs(s *resource.Set) {
	for _, res := range s.Active("AWS::Lambda::EventInvokeConfig") {
		f := s.TargetFunction(res.Properties.Get("FunctionName"))
		if f == nil {
			continue
		}
		d := res.Properties.Get("DestinationConfig")
		f.Async.MaxAge = seconds(res.Properties, "MaximumEventAgeInSeconds", awsname.MaxEventAge)
		f.Async.Retries = res.Properties.IntOr("MaximumRetryAttempts", awsname.DefaultRetries)
		f.Async.OnSuccess = d.Get("OnSuccess").Str("Destination")
		f.Async.OnFailure = d.Get("OnFailure").Str("Destination")
	}
}

// Permissions adds every AWS::Lambda::Permission to the resource-based policy
// of its function.
func Permissions(s *resource.Set) {
	for _, res := range s.Active("AWS::Lambda::Permission") {
		name := res.Properties.Get("FunctionName")
		if !name.IsPresent() {
			continue
		}
		f := s.Plan.Function(name.Text)
		if f == nil {
			s.Note(res.At, s.LogicalID(res), res.Type,
				"the function "+template.Quote(name.Text)+" is not in this template")
			continue
		}
		f.Permissions = append(f.Permissions, plan.Permission{
			LogicalID:     s.LogicalID(res),
			Action:        res.Properties.Str("Action"),
			Principal:     res.Properties.Str("Principal"),
			SourceARN:     res.Properties.Str("SourceArn"),
			SourceAccount: res.Properties.Str("SourceAccount"),
		})
	}
}

// HTTPEvents notes the events from REST and HTTP APIs. It refuses a function
// that has no other event in a template without a WebSocket API, as nothing
// would invoke it.
func HTTPEvents(s *resource.Set) {
	triggered := map[string]bool{}
	for _, sch := range s.Plan.Schedules {
		triggered[sch.FunctionLogicalID] = true
	}
	for _, src := range s.Plan.EventSources {
		triggered[src.FunctionLogicalID] = true
	}
	for _, e := range s.HTTPEvents {
		if f := s.Plan.Function(e.Function); f != nil && f.NotRun != nil {
			continue // NotRun notes the function
		}
		if len(s.Plan.APIs) > 0 || triggered[e.Function] {
			s.Note(e.At, e.Function, e.Type,
				"the event "+e.Name+" is not delivered locally: only WebSocket APIs are run")
			continue
		}
		s.Fail(e.At, "HTTP and REST APIs are not run locally, and nothing else calls the function",
			"run a template with a WebSocket API")
	}
}
