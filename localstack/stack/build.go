package stack

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/sotto-chat/sotto/localstack/builder"
	"github.com/sotto-chat/sotto/localstack/sam"
)

func (s *Stack) functionsDir() string { return filepath.Join(s.opts.Data, "functions") }

func building(plan *sam.Plan) string { return "building " + count(len(running(plan)), "function") }

// build compiles the plan's functions and returns their executables by name. It
// calls report with a line for each step.
func (s *Stack) build(ctx context.Context, plan *sam.Plan, report func(string)) (map[string]string, error) {
	unlisted, err := s.watchSources(ctx, plan)
	if err != nil || len(running(plan)) == 0 {
		return nil, err
	}
	report(building(plan))
	executables, err := builder.Build(ctx, s.functionsDir(), targets(plan), func(line string) {
		if line != building(plan) { // reported above
			report(line)
		}
	})
	if err == nil && unlisted != nil { // otherwise the build has the same error
		report(fmt.Sprintf("changes outside the functions' modules may not be noticed: %v", unlisted))
	}
	return executables, err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
