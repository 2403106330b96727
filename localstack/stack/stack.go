// Package stack runs everything that a SAM template describes on this machine,
// in one process and on one port: WebSocket APIs, functions as processes of
// their own, DynamoDB tables and KMS keys in a folder.
//
// Use it to run an app from a Go program: [New] reads the template and listens,
// [Stack.Start] builds and deploys, [Stack.Deploy] deploys again, [Stack.Close]
// stops. Tests use package stacktest, which does the same in one line; people
// use the command localstack. Several stacks may run in one process, each with
// its own data folder.
//
// It never calls AWS and needs no account. It reads no environment variables,
// writes nothing outside the data folder, and starts only the functions and the
// commands that build them (go, make).
package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sotto-chat/sotto/localstack/authority"
	"github.com/sotto-chat/sotto/localstack/builder"
	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/inspect"
	"github.com/sotto-chat/sotto/localstack/sam"
	"github.com/sotto-chat/sotto/localstack/watch"
)

const (
	// stopTimeout bounds how long $disconnect and other invocations may run
	// after Close was called.
	stopTimeout = 8 * time.Second
	// answerTimeout bounds the answers in progress after all services have
	// stopped.
	answerTimeout = time.Second
)

// Stack runs one template. Make one with [New] and end it with [Stack.Close].
// Its methods may be called concurrently.
type Stack struct {
	services
	listener *listener
	bridge   net.Listener // nil without Options.Bridge
	lock     *dataLock
	server   *http.Server
	failed   chan error                    // the server's error, if any; closed when the server has ended
	changes  *watch.Watcher                // nil without Options.OnReload
	watched  atomic.Pointer[watch.Options] // what changes watches

	deploying   sync.Mutex // held by Start, Deploy and Close; it guards the rest
	closed      bool
	executables []string // of the deployed functions
}

// errClosed is the error of Start and Deploy after Close.
var errClosed = errors.New("the stack is closed")

// New reads the template, takes the port and the data folder, and begins to
// answer health checks, with status 503. It returns an [*OptionError] for
// mistakes in the options or the template, and errors that wrap [ErrPortInUse]
// and [ErrDataInUse].
func New(opts Options) (_ *Stack, err error) {
	opts, err = opts.withDefaults()
	if err != nil {
		return nil, err
	}
	defer func() { err = opts.explain(err) }()
	plan, err := opts.load()
	if err != nil {
		return nil, err
	}
	s := &Stack{failed: make(chan error, 1)}
	s.opts = opts
	s.inspector = inspect.New(inspect.Options{})
	s.trace = s.inspector
	if opts.LogRequests {
		s.trace = requestLog{opts.Log, s.inspector}
	}
	s.plan.Store(plan)
	if s.faults, err = newInjector(opts, plan); err != nil {
		return nil, err
	}
	if err := checkWeb(opts.Web); err != nil {
		return nil, err
	}
	// The port first: that it is in use is the most common failure.
	if s.listener, err = listen(opts.Listen, opts.AllowRemote); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.listener.Close())
		}
	}()
	if s.bridge, err = listenBridge(opts.Bridge, s.listener); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && s.bridge != nil {
			err = errors.Join(err, s.bridge.Close())
		}
	}()
	s.address = s.listener.address
	if s.edge, err = edge.New(s.listener.given); err != nil {
		return nil, err
	}
	s.edge.Log(opts.Log, opts.LogRequests)
	if err := s.edge.AllowOrigins(opts.AllowOrigins...); err != nil {
		return nil, &OptionError{Option: "AllowOrigins", Value: strings.Join(opts.AllowOrigins, " "), Err: err}
	}
	if err := s.openFolder(plan); err != nil {
		return nil, err
	}
	s.serve()
	return s, nil
}

// openFolder takes the data folder and starts to watch the template.
func (s *Stack) openFolder(plan *sam.Plan) (err error) {
	if s.lock, err = s.opts.lockFolder(); err != nil {
		return err
	}
	if s.names, err = authority.Open(filepath.Join(s.opts.Data, "authority")); err != nil {
		return errors.Join(err, s.lock.release())
	}
	if s.opts.OnReload == nil {
		return nil
	}
	if err = s.watchTemplate(plan); err != nil {
		return errors.Join(err, s.lock.release())
	}
	return nil
}

// Start builds the functions, opens the services and deploys the template that
// New has read. When it returns nil, the health is 200. It may be called once.
func (s *Stack) Start(ctx context.Context) (err error) {
	defer func() { err = s.opts.explain(err) }()
	s.deploying.Lock()
	defer s.deploying.Unlock()
	switch {
	case s.closed:
		return errClosed
	case s.keys != nil:
		return errors.New("the stack is started already")
	}
	plan := s.plan.Load()
	executables, err := s.build(ctx, plan, s.doing)
	if err != nil {
		return err
	}
	s.doing("opening tables and keys")
	if err := s.open(plan); err != nil {
		return err
	}
	s.doing("starting services")
	return s.replace(ctx, plan, executables)
}

// Deploy reads the template again, builds what has changed and replaces the
// running version. WebSockets stay open, and instances of functions that did
// not change go on. After an error the previous version keeps running
// unchanged; only keys and tables that the template adds may exist already. A
// running stack cannot change its account and region.
func (s *Stack) Deploy(ctx context.Context) (err error) {
	defer func() { err = s.opts.explain(err) }()
	s.deploying.Lock()
	defer s.deploying.Unlock()
	switch {
	case s.closed:
		return errClosed
	case s.sources == nil:
		return errors.New("the stack is not started")
	}
	plan, err := s.opts.load()
	if err != nil {
		return err
	}
	if old := s.plan.Load(); plan.Account != old.Account || plan.Region != old.Region {
		return fmt.Errorf("the account or region is now %s, %s instead of %s, %s: restart the stack",
			plan.Account, plan.Region, old.Account, old.Region)
	}
	executables, err := s.build(ctx, plan, s.opts.Progress) // the health is that of the running version
	if err != nil {
		return err
	}
	return s.replace(ctx, plan, executables)
}

// replace deploys the plan instead of the running one, or changes nothing.
func (s *Stack) replace(ctx context.Context, plan *sam.Plan, executables map[string]string) error {
	next, err := s.prepare(ctx, plan, executables)
	if err != nil {
		return err
	}
	s.commit(next)
	current := slices.Collect(maps.Values(executables))
	// Functions that were replaced may still start instances for invocations
	// that wait, so their executables stay until the next deployment.
	if err := builder.Clean(s.functionsDir(), slices.Concat(s.executables, current)); err != nil {
		s.opts.Log.Debug("failed to remove old executables", "err", err) // Windows, while they run
	}
	s.executables = current
	return nil
}

// Close stops the stack: WebSockets close and $disconnect runs while functions
// still have all services, then functions end, then the port closes, then the
// stores. It waits at most 8 s for functions. Further calls do nothing.
func (s *Stack) Close() error {
	s.deploying.Lock()
	defer s.deploying.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.doing("stopping")
	var errs []error
	if s.changes != nil {
		_ = s.changes.Close() // nothing is written through it
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	errs = append(errs, s.drain(ctx))
	answers, cancelAnswers := context.WithTimeout(context.Background(), answerTimeout)
	defer cancelAnswers()
	if s.server.Shutdown(answers) != nil {
		errs = append(errs, s.server.Close()) // ends idle connections and endless requests
	}
	return errors.Join(append(errs, s.closeStores(), s.lock.release())...)
}

// doing reports what the stack is doing, also to health checks.
func (s *Stack) doing(what string) {
	s.edge.SetDoing(what)
	s.opts.Progress(what)
}
