package stack

import (
	"context"
	"net/http"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// deployment is a plan that every service has accepted. commit makes it run and
// cannot fail; abort drops it.
type deployment struct {
	plan    *sam.Plan
	gateway *gateway.Gateway // the running one, a new one, or nil without APIs
	made    bool             // gateway is a new one
	web     http.Handler     // nil without a web client
	commits []func()
}

// add appends the second half of a service's update.
func (d *deployment) add(commit func(), err error) error {
	if err == nil {
		d.commits = append(d.commits, commit)
	}
	return err
}

// prepare has every service check its part of the plan. After an error all that
// ran before runs unchanged, except that keys and tables which the plan adds
// may exist.
func (s *services) prepare(ctx context.Context, plan *sam.Plan, executables map[string]string) (*deployment, error) {
	d := &deployment{plan: plan}
	for _, step := range []func() error{
		func() error { return d.add(s.names.Prepare(domains(plan)...)) },
		func() error { return d.add(s.guard.Prepare(roles(plan), resourcePolicies(plan))) },
		func() error { return d.add(s.lambda.Prepare(functions(plan, executables), schedules(plan))) },
		func() error { return s.prepareGateway(d) },
		func() (err error) { d.web, err = s.webClient(plan, d.gateway); return err },
		func() error { return s.ensure(ctx, plan) },
		func() error { return d.add(s.sources.Prepare(eventSources(plan))) }, // reads the tables' streams
	} {
		if err := step(); err != nil {
			d.abort()
			return nil, err
		}
	}
	return d, nil
}

func (s *services) prepareGateway(d *deployment) (err error) {
	d.gateway = s.gateway
	switch {
	case s.gateway != nil:
		return d.add(s.gateway.Prepare(apis(d.plan)))
	case len(d.plan.APIs) > 0:
		d.gateway, err = s.newGateway(d.plan)
		d.made = err == nil
	}
	return err
}

func (d *deployment) abort() {
	if d.made {
		_ = d.gateway.Shutdown(context.Background()) // it has no connections to wait for
	}
}

// commit replaces the running version. WebSockets stay open, and so do the
// instances of functions that did not change.
func (s *services) commit(d *deployment) {
	s.plan.Store(d.plan)
	for _, commit := range d.commits {
		commit()
	}
	s.gateway = d.gateway
	routes := edge.Services{
		DynamoDB: s.guard.DynamoDB(s.tables),
		KMS:      s.guard.KMS(s.keys),
		Lambda:   s.guard.Lambda(s.lambda.APIHandler()),
		Runtime:  s.lambda.RuntimeHandler(),
		Page:     s.inspector.Handler(pagePath),
		Web:      d.web,
		Callers:  s.lambda.Caller,
		Domains:  domains(d.plan),
		Stages:   stages(d.plan),
	}
	s.faults.SetFunctions(faultTargets(d.plan))
	targets := fault.Targets{Functions: s.lambda}
	if s.gateway != nil {
		routes.Gateway = s.gateway
		routes.Management = s.guard.Management(s.gateway.Management(), s.gateway.Resolve)
		targets.Connections = s.gateway
	}
	routes.Faults = s.faults.Handler(edge.FaultsPath, targets)
	s.inspector.SetSource(view{
		plan:    d.plan,
		address: s.address,
		lambda:  s.lambda,
		tables:  s.tables,
		gateway: s.gateway,
		guard:   s.guard,
	}.source())
	s.edge.Serve(routes)
	s.edge.SetHealth(health(d.plan, s.address))
}
