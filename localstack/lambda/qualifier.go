package lambda

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// latest is the unpublished version, which every function has.
const latest = "$LATEST"

// target is what a caller invokes: a function and, unless the caller named the
// function alone, $LATEST, a version or an alias.
type target struct{ name, qualifier string }

// qualify returns the ARN of a target from that of its function.
func (t target) qualify(arn string) string {
	if t.qualifier == "" {
		return arn
	}
	return arn + ":" + t.qualifier
}

// resolve parses the name of a function in any form that Lambda accepts: name,
// account:function:name or ARN, each with or without a qualifier. qualifier is
// the request's parameter Qualifier, or empty.
func (s *Service) resolve(ref, qualifier string) (target, error) {
	parts := strings.Split(ref, ":")
	i := 0
	for j, p := range parts[:len(parts)-1] {
		if p == "function" {
			i = j + 1
		}
	}
	to := target{parts[i], strings.Join(parts[i+1:], ":")}
	switch {
	case to.name == "":
		return target{}, invalidParameter("function name is empty")
	case to.qualifier == "":
		to.qualifier = qualifier
	case qualifier != "" && qualifier != to.qualifier:
		return target{}, invalidParameter(
			"The derived qualifier from the function name does not match the specified qualifier.")
	}
	return to, nil
}

// lookUp returns the fleet of a target and the version that runs. A function
// that cannot run is an error. The caller holds Service.mu.
func (s *Service) lookUp(to target) (f *fleet, version string, err error) {
	f = s.fleets[to.name]
	if f == nil {
		return nil, "", notFound(to.qualify(s.arn(to.name)))
	}
	if f.fn.NotRun != "" {
		return nil, "", notRun(f.fn)
	}
	version, ok := f.fn.version(to.qualifier)
	if !ok {
		return nil, "", notFound(to.qualify(f.fn.ARN))
	}
	return f, version, nil
}

// version returns the version that a qualifier means. ok is false if the
// function has no such version or alias.
func (fn *Function) version(qualifier string) (version string, ok bool) {
	if qualifier == "" || qualifier == latest {
		return latest, true
	}
	for _, v := range fn.Versions {
		if v == qualifier {
			return v, true
		}
	}
	version, ok = fn.Aliases[qualifier]
	return version, ok
}

// arn returns a function's ARN in the service's account and region.
func (s *Service) arn(name string) string {
	return awsname.ARN("lambda", s.opt.Region, s.opt.Account, "function:"+name)
}
