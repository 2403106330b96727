package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/sotto-chat/sotto/localstack/authority"
	"github.com/sotto-chat/sotto/localstack/builder"
	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/eventsource"
	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/inspect"
	"github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/sam"
	"github.com/sotto-chat/sotto/localstack/trace"
)

const (
	// stopTimeout bounds how long $disconnect and other invocations may run on
	// once the stack stops.
	stopTimeout = 8 * time.Second
	// answerTimeout bounds the answers that are under way when all services
	// have stopped.
	answerTimeout = time.Second
	// readHeaderTimeout drops connections that never get to a request.
	readHeaderTimeout = 30 * time.Second
	// maxHeaderBytes leaves room for the X-Ray cause that a failing function
	// reports in a header, up to 1 MiB (Runtime API).
	maxHeaderBytes = 2 << 20
)

// stack is everything that runs. The services are nil until start has made
// them.
type stack struct {
	plan     atomic.Pointer[sam.Plan] // what is deployed
	data     string                   // absolute path of the data folder
	web      string                   // absolute path of the web client's folder; "" without one
	endpoint string                   // of the AWS APIs, for functions
	console  *console
	listener *listener
	lock     *dataLock
	names    *authority.Authority // signs for AWS's host names
	edge     *edge.Edge
	faults   *fault.Injector
	server   *http.Server
	failed   chan error // from the server, at most one

	inspector *inspect.Inspector
	trace     trace.Sink // the inspector's, maybe by way of the log
	keys      *kms.Service
	tables    *dynamodb.Engine
	lambda    *lambda.Service
	sources   *eventsource.Service
	guard     *iam.Guard
	gateway   *gateway.Gateway
}

// open takes the port and the data folder, and begins to answer health checks.
// The port comes first: that it is in use is the commonest mistake.
func open(o options, plan *sam.Plan, c *console) (*stack, error) {
	faults, err := injector(o, plan, c)
	if err != nil {
		return nil, usageError{err}
	}
	data, err := filepath.Abs(o.data)
	if err != nil {
		return nil, fmt.Errorf("locate the data folder: %w", err)
	}
	web, noWeb, err := webFolder(o)
	if err != nil {
		return nil, err
	}
	l, err := listen(o.listen, o.allowRemote)
	if err != nil {
		return nil, err
	}
	front, err := edge.New(l.given)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	lock, err := lockData(data)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	names, err := authority.Open(filepath.Join(data, "authority"))
	if err != nil {
		return nil, errors.Join(err, lock.release(), l.Close())
	}
	s := &stack{
		data:      data,
		web:       web,
		names:     names,
		console:   c,
		listener:  l,
		lock:      lock,
		edge:      front,
		faults:    faults,
		inspector: inspect.New(inspect.Options{}),
		server: &http.Server{
			Handler:           front,
			ReadHeaderTimeout: readHeaderTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ConnContext:       gateway.ConnContext,
			ErrorLog:          slog.NewLogLogger(c.log.Handler(), slog.LevelWarn),
		},
		failed: make(chan error, 1),
	}
	s.plan.Store(plan)
	s.trace = s.inspector
	if o.requests {
		s.trace = requestLog{c.log, s.inspector}
	}
	if s.endpoint = o.endpoint; s.endpoint == "" {
		s.endpoint = s.url()
	}
	if noWeb != "" {
		c.say("%s", noWeb)
	}
	both := names.Listen(l) // TLS on the same port
	front.Proxy(edge.Proxy{Terminate: both.Terminate, AllowNetwork: o.allowNetwork, Log: c.log})
	go func() {
		if err := s.server.Serve(gateway.KeepHeaderNames(both)); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return s, nil
}

// start builds the functions and brings every service up. When it returns nil,
// the health is 200.
func (s *stack) start(ctx context.Context) error {
	plan := s.plan.Load()
	notes(s.console, plan)
	// Only here: a reload builds while all that ran before is served.
	s.edge.SetDoing("building " + count(len(plan.Functions), "function"))
	executables, err := s.build(ctx, plan)
	if err != nil {
		return err
	}
	s.doing("opening tables and keys")
	if err := s.openStores(plan); err != nil {
		return err
	}
	s.doing("starting services")
	if err := s.openLambda(plan); err != nil {
		return err
	}
	if err := s.ensure(ctx, plan); err != nil {
		return err
	}
	if err := s.deploy(plan, executables); err != nil {
		return err
	}
	s.edge.SetHealth(s.health())
	return nil
}

// build compiles the plan's functions and returns their executables by name.
func (s *stack) build(ctx context.Context, plan *sam.Plan) (map[string]string, error) {
	if len(plan.Functions) == 0 {
		return nil, nil
	}
	building := "building " + count(len(plan.Functions), "function")
	s.console.say("%s", building)
	return builder.Build(ctx, filepath.Join(s.data, "functions"), targets(plan), func(line string) {
		if line != building { // said already
			s.console.say("%s", line)
		}
	})
}

// deploy makes what runs that of the plan: at the start, and again when the
// template or a function's source has changed. Sockets stay open; instances of
// functions that stayed the same stay, too.
func (s *stack) deploy(plan *sam.Plan, executables map[string]string) error {
	// Before functions start: they read whom to trust once.
	if err := s.names.Permit(domains(plan)...); err != nil {
		return err
	}
	// Before anything is replaced: a malformed policy leaves all as it was.
	if err := s.guardWith(plan); err != nil {
		return err
	}
	if err := s.lambda.Deploy(functions(plan, executables)); err != nil {
		return err
	}
	s.plan.Store(plan)
	if err := s.serveAPIs(plan); err != nil {
		return err
	}
	if err := s.lambda.StartSchedules(schedules(plan)); err != nil {
		return err
	}
	return s.sources.Set(eventSources(plan))
}

// ensure makes the plan's keys and tables, where they are missing.
func (s *stack) ensure(ctx context.Context, plan *sam.Plan) error {
	for _, k := range plan.Keys {
		err := s.keys.Ensure(kms.KeyOptions{
			ID:          k.ID,
			ARN:         k.ARN,
			Spec:        k.Spec,
			Usage:       k.Usage,
			Description: k.Description,
			Aliases:     k.Aliases,
			Disabled:    !k.Enabled,
			Rotates:     k.EnableRotation,
		})
		if err != nil {
			return err
		}
	}
	for _, t := range plan.Tables {
		if err := s.tables.EnsureTable(ctx, table(t), t.TTLAttribute); err != nil {
			return fmt.Errorf("table %s: %w", t.LogicalID, err)
		}
	}
	return nil
}

// guardWith has the guard decide by the plan's policies.
func (s *stack) guardWith(plan *sam.Plan) (err error) {
	if s.guard != nil {
		return s.guard.Update(roles(plan), resourcePolicies(plan))
	}
	s.guard, err = iam.New(iam.Options{
		Account:      plan.Account,
		Region:       plan.Region,
		Roles:        roles(plan),
		Resources:    resourcePolicies(plan),
		PartitionKey: s.partitionKey,
		Key:          s.keyFacts,
		Log:          s.console.log,
		Trace:        s.trace,
	})
	return err
}

// serveAPIs hands requests to the services, those of functions past the guard.
func (s *stack) serveAPIs(plan *sam.Plan) (err error) {
	switch {
	case s.gateway != nil:
		err = s.gateway.Update(apis(plan))
	case len(plan.APIs) > 0:
		s.gateway, err = gateway.New(gateway.Options{
			APIs:    apis(plan),
			Invoker: invoker{s.lambda},
			Permit:  s.guard.Permit,
			Faults:  s.faults.Gateway(),
			Log:     s.console.log,
			Trace:   s.trace,
		})
	}
	if err != nil {
		return err
	}
	services := edge.Services{
		DynamoDB: s.guard.DynamoDB(s.tables),
		KMS:      s.guard.KMS(s.keys),
		Lambda:   s.guard.Lambda(s.lambda.APIHandler()),
		Runtime:  s.lambda.RuntimeHandler(),
		Page:     s.inspector.Handler(pagePath),
		Callers:  s.lambda.Caller,
		Domains:  domains(plan),
		Stages:   stages(plan),
	}
	breakable := fault.Targets{Functions: s.lambda}
	if s.gateway != nil {
		services.Gateway = s.gateway
		services.Management = s.guard.Management(s.gateway.Management(), s.gateway.Resolve)
		breakable.Connections = s.gateway
	}
	if services.Web, err = s.webClient(plan); err != nil {
		return err
	}
	services.Faults = s.faults.Handler(edge.FaultsPath, breakable)
	s.inspector.Watch(s.source())
	s.edge.Serve(services)
	return nil
}

// openStores opens tables and keys.
func (s *stack) openStores(plan *sam.Plan) (err error) {
	s.keys, err = kms.Open(kms.Options{
		Dir:     filepath.Join(s.data, "kms"),
		Account: plan.Account,
		Region:  plan.Region,
		Log:     s.console.log,
		Trace:   s.trace,
	})
	if err != nil {
		return err
	}
	s.tables, err = dynamodb.Open(dynamodb.Options{
		Dir:     filepath.Join(s.data, "dynamodb"),
		Account: plan.Account,
		Region:  plan.Region,
		Faults:  s.faults.DynamoDB(),
		Log:     s.console.log,
		Trace:   s.trace,
	})
	return err
}

// openLambda makes the Lambda service, without functions, and what feeds it
// from streams.
func (s *stack) openLambda(plan *sam.Plan) (err error) {
	temporary := filepath.Join(s.data, "tmp")
	if err := os.RemoveAll(temporary); err != nil { // left by a crash
		return fmt.Errorf("remove old temporary files: %w", err)
	}
	options := lambda.Options{
		Account:    plan.Account,
		Region:     plan.Region,
		RuntimeAPI: s.listener.address + edge.RuntimePrefix,
		Env: map[string]string{
			"AWS_ENDPOINT_URL":                         s.endpoint,
			"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": s.endpoint, // of any stage: connection ids are unique over all
		},
		FunctionEnv: edge.Access{
			Address:    s.listener.address,
			CAFile:     s.names.CAFile(),
			BundleFile: s.names.BundleFile(),
			Direct:     s.direct(),
		}.Environment,
		Faults:  s.faults.Lambda(),
		Log:     s.console.log,
		Output:  lockedWriter{s.console},
		TempDir: temporary,
		Trace:   s.trace,
	}
	if s.console.json {
		options.Line = s.console.functionLine
	}
	if s.lambda, err = lambda.New(options); err != nil {
		return err
	}
	s.sources, err = eventsource.New(eventsource.Options{
		Dir:     filepath.Join(s.data, "event-sources"),
		Reader:  streamReader{s.tables},
		Invoker: streamInvoker{s.lambda},
		Log:     s.console.log,
	})
	return err
}

// stop ends everything in the order in which nothing misses what it needs:
// sockets close and $disconnect runs while functions still have all services,
// then functions end, then the port closes, then the stores.
func (s *stack) stop() error {
	s.doing("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	if s.gateway != nil {
		if err := s.gateway.Shutdown(ctx); err != nil {
			s.console.say("%v: some functions were still running", err)
		}
	}
	if s.sources != nil {
		if err := s.sources.Close(ctx); err != nil {
			s.console.say("%v; their batches come again at the next start", err)
		}
	}
	if s.lambda != nil {
		errs = append(errs, s.lambda.Close(ctx))
	}
	answers, cancelAnswers := context.WithTimeout(context.Background(), answerTimeout)
	defer cancelAnswers()
	if s.server.Shutdown(answers) != nil {
		errs = append(errs, s.server.Close()) // idle or endless requests of others
	}
	if s.tables != nil {
		errs = append(errs, s.tables.Close())
	}
	return errors.Join(append(errs, s.lock.release())...)
}

// doing tells the terminal and the health check what is being done.
func (s *stack) doing(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	s.edge.SetDoing(what)
	s.console.say("%s", what)
}

// direct is the host of an endpoint that is not the stack's own.
func (s *stack) direct() []string {
	u, err := url.Parse(s.endpoint)
	if err != nil || s.endpoint == s.url() {
		return nil
	}
	return []string{u.Hostname()}
}

func (s *stack) url() string { return "http://" + s.listener.address }

func (s *stack) webSocketURL(api sam.WebSocketAPI) string {
	return "ws://" + s.listener.address + "/" + api.Stage
}

func (s *stack) health() edge.Health {
	h := edge.Health{
		Services: map[string]string{"dynamodb": "running", "kms": "running", "lambda": "running"},
		PID:      os.Getpid(),
	}
	plan := s.plan.Load()
	for _, f := range plan.Functions {
		h.Functions = append(h.Functions, f.Name)
	}
	for i, api := range plan.APIs {
		h.Services["execute-api"] = "running"
		if i == 0 {
			h.WebSocket = s.webSocketURL(api)
		}
		for _, r := range api.Routes {
			h.Routes = append(h.Routes, r.Key)
		}
	}
	return h
}
