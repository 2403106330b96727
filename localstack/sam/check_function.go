package sam

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What Lambda refuses when a function is created, checked here so that it is
// reported with its place before anything is built.

// maxEnvironment bounds the variables' names and values together, in bytes
// (Lambda quotas).
const maxEnvironment = 4 << 10

var variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// reservedVariables are set by Lambda alone (LDG "Defined runtime environment
// variables").
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
}

func (l *loader) checkVariables(variables *value) {
	if variables == nil || variables.kind != object {
		return
	}
	size := 0
	for _, f := range variables.fields {
		switch {
		case slices.Contains(reservedVariables, f.key):
			l.failKey(variables, f, "Lambda sets this variable itself", "remove it or choose another name")
		case !variableName.MatchString(f.key):
			l.failKey(variables, f, "is not the name of a variable",
				"use a letter, then at least one letter, digit or _")
		}
		size += len(f.key) + len(f.value.scalar())
	}
	if size > maxEnvironment {
		l.fail(variables, fmt.Sprintf("the variables take %d bytes, Lambda allows %d", size,
			maxEnvironment), "shorten them")
	}
}

// checkSettings refuses or notes settings of a function that have no effect
// locally although the function could tell.
func (l *loader) checkSettings(res *resource) {
	p := res.props
	for _, n := range []struct{ property, reason string }{
		{"Layers", "layers are not mounted locally"},
		{"VpcConfig", "functions run in this machine's network"},
		{"FileSystemConfigs", "file systems are not mounted locally"},
	} {
		if v := p.get(n.property); v != nil && v.kind != unknown {
			l.note(v, res.id, n.property, n.reason)
		}
	}
	if v := p.get("SnapStart").get("ApplyOn"); v.scalar() == "PublishedVersions" {
		l.fail(v, "SnapStart is for Java, Python and .NET", "remove it")
	}
	if r := p.get("Runtime"); r.scalar() == "provided.al2" {
		l.note(r, res.id, "Runtime", "Lambda creates no functions on provided.al2 since 2026-07-31; write provided.al2023")
	}
}

// checkTrust refuses a role of the template that Lambda cannot assume.
func (l *loader) checkTrust(res *resource, f *Function) {
	role := l.resources[f.Role.LogicalID]
	if role == nil {
		return
	}
	doc := role.props.get("AssumeRolePolicyDocument")
	if doc == nil || doc.kind != object {
		return
	}
	before := len(l.errs)
	trust := l.policy("", doc)
	if len(l.errs) > before {
		return
	}
	for _, s := range trust.Statements {
		trusted := append(slices.Clone(s.Principal["Service"]), s.Principal["AWS"]...)
		if s.Effect == "Allow" && slices.ContainsFunc(s.Action, assumes) &&
			(slices.Contains(trusted, "lambda.amazonaws.com") || slices.Contains(trusted, "*")) {
			return
		}
	}
	l.fail(doc, "Lambda cannot assume the role of "+res.id, "allow sts:AssumeRole to Service: lambda.amazonaws.com")
}

func assumes(action string) bool { return wildcard(strings.ToLower(action), "sts:assumerole") }

// checkNamesTaken refuses two resources of one type with one name.
func (l *loader) checkNamesTaken() {
	owner := map[string]*resource{}
	for _, res := range l.order {
		n, ok := namings[res.typ]
		if !ok || res.off || res.noted || res.broken || res.name == "" {
			continue
		}
		key := res.typ + " " + res.name
		at := res.props.get(n.property)
		if at == nil {
			at = res.at
		}
		if other := owner[key]; other != nil {
			if set := other.props.get(n.property); set != nil && set.line == at.line && set.col == at.col {
				continue // both from Globals, where it is refused
			}
			l.fail(at, "the name "+quote(res.name)+" is also that of "+other.id, "give each its own name")
		}
		owner[key] = res
	}
}
