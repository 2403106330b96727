package sam

import (
	"slices"
	"strings"
	"time"
)

var runtimes = []string{"provided.al2023", "provided.al2"}

func (l *loader) function(res *resource, roles map[string]*Role) Function {
	p := res.props
	f := Function{
		origin:        l.origin(res),
		LogicalID:     res.id,
		Name:          res.name,
		ARN:           res.attrs["Arn"],
		Handler:       p.str("Handler"),
		Runtime:       p.str("Runtime"),
		Architectures: p.strs("Architectures"),
		Timeout:       time.Duration(p.intOr("Timeout", 3)) * time.Second, // Lambda's defaults
		MemoryMB:      p.intOr("MemorySize", 128),
		Async: AsyncConfig{
			MaxAge:     6 * time.Hour,
			Retries:    2,
			DeadLetter: p.get("DeadLetterConfig").str("TargetArn"),
		},
		Role: l.functionRole(p.get("Role"), roles),
	}
	if f.Environment = p.get("Environment").strMap("Variables"); f.Environment == nil {
		f.Environment = map[string]string{}
	}
	if len(f.Architectures) == 0 {
		f.Architectures = []string{"x86_64"}
	} else if len(f.Architectures) > 1 {
		l.fail(p.get("Architectures"), "holds more than one architecture", "keep one")
	}
	if n, ok := p.get("ReservedConcurrentExecutions").asInt(); ok {
		f.ReservedConcurrency = &n
	}
	l.checkVariables(p.get("Environment").get("Variables"))
	l.checkSettings(res)
	l.checkTrust(res, &f)
	l.buildMethod(res, &f)
	if p.str("PackageType") == "Image" {
		l.fail(p.get("PackageType"), "container images are not run locally", "use PackageType: Zip with CodeUri")
		return f
	}
	f.CodeURI = l.codePath(res, p.get("Code"), f.BuildMethod)
	l.checkRuntime(res, &f)
	return f
}

// checkRuntime refuses what cannot run as a native binary.
func (l *loader) checkRuntime(res *resource, f *Function) {
	runtime, handler := res.props.get("Runtime"), res.props.get("Handler")
	switch {
	case runtime == nil:
		l.fail(res.at, "Runtime is missing", "add Runtime: provided.al2023")
	case runtime.kind == unknown || slices.Contains(runtimes, f.Runtime):
	case f.Runtime == "go1.x":
		l.fail(runtime, "the runtime go1.x is retired",
			"write Runtime: provided.al2023, Handler: bootstrap and Metadata: {BuildMethod: go1.x}")
	default:
		l.fail(runtime, "the runtime "+quote(f.Runtime)+" is not run locally", "use "+oneOf(runtimes))
	}
	switch {
	case handler == nil:
		l.fail(res.at, "Handler is missing", "add Handler: bootstrap")
	case handler.kind != unknown && f.BuildMethod == "go1.x" && f.Handler != "bootstrap":
		// The build names the binary after the handler, and the provided
		// runtimes start nothing but bootstrap.
		l.fail(handler, "BuildMethod go1.x would name the binary "+quote(f.Handler)+
			", and the runtime starts bootstrap", "write Handler: bootstrap")
	}
}

func (l *loader) buildMethod(res *resource, f *Function) {
	m := res.metadata
	if m == nil || m.kind != object {
		return
	}
	f.BuildMethod = m.str("BuildMethod")
	f.BuildProperties = m.strMap("BuildProperties")
	known := []string{"go1.x", "makefile"}
	if b := m.get("BuildMethod"); b != nil && !slices.Contains(known, f.BuildMethod) {
		l.fail(b, "the build method "+quote(b.text)+" is not supported", "use "+oneOf(known))
	}
}

// invokeConfigs applies every AWS::Lambda::EventInvokeConfig.
func (l *loader) invokeConfigs() {
	for _, res := range l.live("AWS::Lambda::EventInvokeConfig") {
		f := l.targetFunction(res.props.get("FunctionName"))
		if f == nil {
			continue
		}
		f.Async.MaxAge = time.Duration(res.props.intOr("MaximumEventAgeInSeconds", 21600)) * time.Second
		f.Async.Retries = res.props.intOr("MaximumRetryAttempts", 2)
		d := res.props.get("DestinationConfig")
		f.Async.OnSuccess = d.get("OnSuccess").str("Destination")
		f.Async.OnFailure = d.get("OnFailure").str("Destination")
	}
}

// permissions gives every function its resource-based policy.
func (l *loader) permissions() {
	for _, res := range l.live("AWS::Lambda::Permission") {
		name := res.props.get("FunctionName")
		if name == nil || name.kind == unknown {
			continue
		}
		f := l.plan.Function(name.text)
		if f == nil {
			l.note(res.at, res.id, res.typ, "the function "+quote(name.text)+" is not in this template")
			continue
		}
		f.Permissions = append(f.Permissions, Permission{
			LogicalID:     res.id,
			Action:        res.props.str("Action"),
			Principal:     res.props.str("Principal"),
			SourceARN:     res.props.str("SourceArn"),
			SourceAccount: res.props.str("SourceAccount"),
		})
	}
}

// Allows says whether the function's resource-based policy lets a service of
// the given account invoke it on behalf of a source.
func (f *Function) Allows(principal, sourceARN, account string) bool {
	return slices.ContainsFunc(f.Permissions, func(p Permission) bool {
		return wildcard(strings.ToLower(p.Action), "lambda:invokefunction") &&
			(p.Principal == principal || p.Principal == "*") &&
			(p.SourceARN == "" || wildcard(p.SourceARN, sourceARN)) &&
			(p.SourceAccount == "" || p.SourceAccount == account)
	})
}

// wildcard matches as IAM does: * is any run of characters, ? any one.
func wildcard(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
