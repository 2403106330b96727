package stack

import (
	"path/filepath"
	"slices"

	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// functions returns the functions of Lambda, with their executables by name.
func functions(plan *sam.Plan, executables map[string]string) []lambda.Function {
	var list []lambda.Function
	for _, f := range plan.Functions {
		if f.NotRun != nil {
			list = append(list, lambda.Function{Name: f.Name, ARN: f.ARN, NotRun: f.NotRun.Reason})
			continue
		}
		executable := executables[f.Name]
		list = append(list, lambda.Function{
			Name:      f.Name,
			ARN:       f.ARN,
			Binary:    executable,
			Dir:       filepath.Dir(executable),
			Versions:  f.Versions,
			Aliases:   f.Aliases,
			Handler:   f.Handler,
			Env:       f.Environment,
			MemoryMB:  f.MemoryMB,
			StorageMB: f.StorageMB,
			Logging: lambda.Logging{
				JSON:             f.Logging.Format == "JSON",
				Group:            f.Logging.Group,
				ApplicationLevel: f.Logging.ApplicationLevel,
				SystemLevel:      f.Logging.SystemLevel,
			},
			Sampled:             f.Traced,
			Timeout:             f.Timeout,
			ReservedConcurrency: f.ReservedConcurrency,
			Async: lambda.AsyncConfig{
				MaximumRetryAttempts: &f.Async.Retries,
				MaximumEventAge:      f.Async.MaxAge,
				OnSuccess:            f.Async.OnSuccess,
				OnFailure:            f.Async.OnFailure,
			},
			DeadLetter: f.Async.DeadLetter,
		})
	}
	return list
}

// schedules returns the rules of EventBridge and the schedules of its
// Scheduler.
func schedules(plan *sam.Plan) []lambda.Schedule {
	var list []lambda.Schedule
	for _, s := range plan.Schedules {
		if !runs(plan, s.FunctionARN) {
			continue
		}
		list = append(list, lambda.Schedule{
			Name:       s.Name,
			Expression: s.Expression,
			Timezone:   s.Timezone,
			Function:   s.FunctionARN,
			Source:     s.Source,
			Input:      string(s.Input),
			Enabled:    s.Enabled,
		})
	}
	return list
}

// runs reports whether the function with that name or ARN is run.
func runs(plan *sam.Plan, function string) bool {
	f := plan.Function(function)
	return f != nil && f.NotRun == nil
}

// running returns the functions that are run.
func running(plan *sam.Plan) []sam.Function {
	return slices.DeleteFunc(slices.Clone(plan.Functions), func(f sam.Function) bool { return f.NotRun != nil })
}
