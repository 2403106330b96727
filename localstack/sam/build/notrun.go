package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
)

// NotRun notes each function that is not run locally once, with what does not
// work without it. If none of the functions is run, that is a mistake of each:
// such a stack would answer nothing. It comes last, because the note replaces
// every other one about the function.
func NotRun(s *resource.Set) {
	runs := slices.ContainsFunc(s.Plan.Functions, func(f plan.Function) bool { return f.NotRun == nil })
	for i := range s.Plan.Functions {
		f := &s.Plan.Functions[i]
		if f.NotRun == nil {
			continue
		}
		s.Notes = slices.DeleteFunc(s.Notes, func(n plan.Note) bool { return n.LogicalID == f.LogicalID })
		if !runs {
			s.Errors = append(s.Errors, f.Mistake(f.NotRun.Property,
				f.NotRun.Reason+", and neither is any other function of the template",
				"run a template with at least one function in Go"))
			continue
		}
		at := f.Mistake(f.NotRun.Property, "", "")
		s.Notes = append(s.Notes, plan.Note{
			LogicalID: f.LogicalID,
			Type:      "AWS::Lambda::Function",
			Reason:    f.NotRun.Reason + consequences(s.Plan, f),
			File:      at.File,
			Line:      at.Line,
			Column:    at.Column,
		})
	}
}

// consequences says what fails and what is not delivered without a function.
func consequences(p *plan.Plan, f *plan.Function) string {
	var routes, sources []string
	for _, api := range p.APIs {
		for _, r := range api.Routes {
			if r.FunctionLogicalID == f.LogicalID {
				routes = append(routes, r.Key)
			}
			if r.Authorizer != nil && r.Authorizer.FunctionLogicalID == f.LogicalID {
				routes = append(routes, r.Key+" (authorizer)")
			}
		}
	}
	for _, sch := range p.Schedules {
		if sch.FunctionLogicalID == f.LogicalID {
			sources = append(sources, sch.LogicalID)
		}
	}
	for _, src := range p.EventSources {
		if src.FunctionLogicalID == f.LogicalID {
			sources = append(sources, src.LogicalID)
		}
	}
	return list("; these routes answer with an error: %s", routes) + list("; these do not invoke it: %s", sources)
}

// list formats the distinct names, or returns "" without any.
func list(format string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names) // an API has each route once per stage
	return fmt.Sprintf(format, strings.Join(slices.Compact(names), ", "))
}
