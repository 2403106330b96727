package stack

import (
	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// newInjector returns an injector with the faults of the options enabled.
func newInjector(o Options, plan *sam.Plan) (*fault.Injector, error) {
	in := fault.New(fault.Options{Seed: o.FaultSeed, Functions: faultTargets(plan), Log: o.Log})
	for _, f := range o.Faults {
		if _, err := in.Add(f); err != nil {
			return nil, &OptionError{Option: "Faults", Value: f.String(), Err: err}
		}
	}
	return in, nil
}

// faultTargets returns the functions that a fault may name. It is never nil,
// which would accept any name.
func faultTargets(plan *sam.Plan) []string {
	names := []string{}
	for _, f := range running(plan) {
		names = append(names, f.Name)
	}
	return names
}
