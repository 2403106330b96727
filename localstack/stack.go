package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sotto-chat/sotto/localstack/build"
	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/sam"
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

// stack is everything that runs. The services are nil until start has made them.
type stack struct {
	plan     *sam.Plan
	data     string // absolute path of the data folder
	endpoint string // of the AWS APIs, for functions
	console  *console
	listener *listener
	lock     *dataLock
	edge     *edge.Edge
	faults   *fault.Injector
	server   *http.Server
	failed   chan error // from the server, at most one

	tables  *dynamodb.Engine
	lambda  *lambda.Service
	gateway *gateway.Gateway
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
	s := &stack{
		plan: plan, data: data, console: c, listener: l, lock: lock, edge: front, faults: faults,
		server: &http.Server{Handler: front, ReadHeaderTimeout: readHeaderTimeout, MaxHeaderBytes: maxHeaderBytes},
		failed: make(chan error, 1),
	}
	if s.endpoint = o.endpoint; s.endpoint == "" {
		s.endpoint = s.url()
	}
	go func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return s, nil
}

// start builds the functions and brings every service up. When it returns nil,
// the health is 200.
func (s *stack) start(ctx context.Context) error {
	notes(s.console, s.plan)
	building := "building " + count(len(s.plan.Functions), "function")
	s.doing("%s", building)
	executables, err := build.Build(ctx, filepath.Join(s.data, "functions"), targets(s.plan), func(line string) {
		if line != building { // said already
			s.console.say("%s", line)
		}
	})
	if err != nil {
		return err // says which functions and why
	}
	s.doing("opening tables and keys")
	keys, err := s.openStores(ctx)
	if err != nil {
		return err
	}
	s.doing("starting services")
	if err := s.startFunctions(executables); err != nil {
		return err
	}
	services := edge.Services{DynamoDB: s.tables, KMS: keys, Lambda: s.lambda.APIHandler(), Runtime: s.lambda.RuntimeHandler()}
	breakable := fault.Targets{Functions: s.lambda}
	if len(s.plan.APIs) > 0 {
		s.gateway, err = gateway.New(gateway.Options{APIs: apis(s.plan), Invoker: invoker{s.lambda}, Faults: s.faults.Gateway(), Log: s.console.log})
		if err != nil {
			return err
		}
		services.Gateway, services.Management = s.gateway, s.gateway.Management()
		breakable.Connections = s.gateway
	}
	services.Faults = s.faults.Handler(edge.FaultsPath, breakable)
	s.edge.Serve(services)
	if err := s.lambda.StartSchedules(schedules(s.plan)); err != nil {
		return err
	}
	s.edge.SetHealth(s.health())
	return nil
}

// openStores opens tables and keys and makes those of the template.
func (s *stack) openStores(ctx context.Context) (*kms.Service, error) {
	keys, err := kms.Open(kms.Options{
		Dir: filepath.Join(s.data, "kms"), Account: s.plan.Account, Region: s.plan.Region, Log: s.console.log,
	})
	if err != nil {
		return nil, err
	}
	for _, k := range s.plan.Keys {
		if err := keys.EnsureKey(k.ID, k.ARN, k.Aliases...); err != nil {
			return nil, err
		}
	}
	s.tables, err = dynamodb.Open(dynamodb.Options{
		Dir: filepath.Join(s.data, "dynamodb"), Account: s.plan.Account, Region: s.plan.Region,
		Faults: s.faults.DynamoDB(), Log: s.console.log,
	})
	if err != nil {
		return nil, err
	}
	for _, t := range s.plan.Tables {
		if err := s.tables.EnsureTable(ctx, table(t), t.TTLAttribute); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.LogicalID, err)
		}
	}
	return keys, nil
}

func (s *stack) startFunctions(executables map[string]string) (err error) {
	temporary := filepath.Join(s.data, "tmp")
	if err := os.RemoveAll(temporary); err != nil { // left by a crash
		return fmt.Errorf("remove old temporary files: %w", err)
	}
	s.lambda, err = lambda.New(lambda.Options{
		Account: s.plan.Account, Region: s.plan.Region,
		RuntimeAPI: s.listener.address + edge.RuntimePrefix,
		Env: map[string]string{
			"AWS_ENDPOINT_URL":                         s.endpoint,
			"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": s.managementURL(),
		},
		Faults:  s.faults.Lambda(),
		Log:     s.console.log,
		Output:  functionLog{s.console},
		TempDir: temporary,
	})
	if err != nil {
		return err
	}
	return s.lambda.Deploy(functions(s.plan, executables))
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
	s.edge.Doing(what)
	s.console.say("%s", what)
}

func (s *stack) url() string { return "http://" + s.listener.address }

// managementURL is where functions post to connections. With several stages it
// has none: connection ids are unique over all of them.
func (s *stack) managementURL() string {
	if len(s.plan.APIs) == 1 {
		return s.endpoint + "/" + s.plan.APIs[0].Stage
	}
	return s.endpoint
}

func (s *stack) webSocketURL(api sam.WebSocketAPI) string {
	return "ws://" + s.listener.address + "/" + api.Stage
}

func (s *stack) health() edge.Health {
	h := edge.Health{Services: map[string]string{"dynamodb": "running", "kms": "running", "lambda": "running"}, PID: os.Getpid()}
	for _, f := range s.plan.Functions {
		h.Functions = append(h.Functions, f.Name)
	}
	for i, api := range s.plan.APIs {
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
