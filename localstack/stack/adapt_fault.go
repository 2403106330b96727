package stack

import (
	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// newInjector returns an injector with the faults of the options enabled.
func newInjector(o Options, plan *sam.Plan) (*fault.Injector, error) {
	names := []string{} // not nil, which would accept any name
	for _, f := range plan.Functions {
		names = append(names, f.Name)
	}
	in := fault.New(fault.Options{Seed: o.FaultSeed, Functions: names, Log: o.Log})
	for _, f := range o.Faults {
		if _, err := in.Add(f); err != nil {
			return nil, &OptionError{Option: "Faults", Value: f.String(), Err: err}
		}
	}
	return in, nil
}
