package stack

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/sotto-chat/sotto/localstack/authority"
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

// services are the AWS services of a stack and what they share.
type services struct {
	opts      Options
	address   string                   // HOST:PORT that clients on this machine dial
	plan      atomic.Pointer[sam.Plan] // the deployed plan
	names     *authority.Authority     // signs for AWS's host names
	edge      *edge.Edge
	faults    *fault.Injector
	inspector *inspect.Inspector
	trace     trace.Sink // the inspector, or the log in front of it

	// open sets the following.
	keys    *kms.Service
	tables  *dynamodb.Engine
	lambda  *lambda.Service
	sources *eventsource.Service
	guard   *iam.Guard

	gateway *gateway.Gateway // nil before the first deployment with an API
}

func (s *services) url() string { return "http://" + s.address }

// open opens the stores and the services, without functions and APIs.
func (s *services) open(plan *sam.Plan) (err error) {
	lost := s.opts.keysFolderLost()
	s.keys, err = kms.Open(kms.Options{
		Dir:         filepath.Join(s.opts.Data, "kms"),
		Account:     plan.Account,
		Region:      plan.Region,
		PolicyError: keyPolicyError,
		Log:         s.opts.Log,
		Trace:       s.trace,
	})
	if err != nil {
		return s.opts.damaged(err)
	}
	if err := s.opts.checkKeys(lost, plan.Keys, s.keys.Has); err != nil {
		return err
	}
	s.tables, err = dynamodb.Open(dynamodb.Options{
		Dir:        filepath.Join(s.opts.Data, "dynamodb"),
		Account:    plan.Account,
		Region:     plan.Region,
		Faults:     s.faults.DynamoDB(),
		Fatal:      s.fatal,
		TableDelay: s.opts.TableDelay,
		Log:        s.opts.Log,
		Trace:      s.trace,
	})
	if err != nil {
		return s.opts.damaged(err)
	}
	if err := s.openLambda(plan); err != nil {
		return err
	}
	s.sources, err = eventsource.New(eventsource.Options{
		Dir:     filepath.Join(s.opts.Data, "event-sources"),
		Reader:  streamReader{s.tables},
		Invoker: streamInvoker{s.lambda},
		Log:     s.opts.Log,
	})
	if err != nil {
		return err
	}
	s.guard, err = iam.New(iam.Options{
		Account: plan.Account,
		Region:  plan.Region,
		PartitionKey: func(table, index string) string {
			return partitionKey(s.plan.Load(), table, index)
		},
		Key: func(keyID string, ciphertext []byte) (iam.Key, bool) {
			return keyFacts(s.keys, keyID, ciphertext)
		},
		TemplateName: func(function, arn string) string {
			return templateName(s.plan.Load(), function, arn)
		},
		Log:   s.opts.Log,
		Trace: s.trace,
	})
	return err
}

func (s *services) openLambda(plan *sam.Plan) (err error) {
	temporary := filepath.Join(s.opts.Data, "tmp")
	if err := os.RemoveAll(temporary); err != nil { // left by a crash
		return fmt.Errorf("remove old temporary files: %w", err)
	}
	endpoint, direct := s.url(), []string(nil)
	if s.opts.Endpoint != "" && s.opts.Endpoint != endpoint {
		endpoint = s.opts.Endpoint
		if u, err := url.Parse(endpoint); err == nil {
			direct = []string{u.Hostname()}
		}
	}
	s.lambda, err = lambda.New(lambda.Options{
		Account:    plan.Account,
		Region:     plan.Region,
		RuntimeAPI: s.address + edge.RuntimePrefix,
		Env: map[string]string{
			"AWS_ENDPOINT_URL": endpoint,
			// The same for every stage: connection ids are unique over all
			// APIs.
			"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": endpoint,
		},
		FunctionEnv: edge.Access{
			Address:    s.address,
			CAFile:     s.names.CAFile(),
			BundleFile: s.names.BundleFile(),
			Direct:     direct,
		}.Environment,
		Faults:    s.faults.Lambda(),
		NoFreeze:  s.opts.NoFreeze,
		Processes: s.opts.Processes,
		Log:       s.opts.Log,
		Output:    s.opts.Output,
		Line:      s.opts.Line,
		TempDir:   temporary,
		Trace:     s.trace,
	})
	return err
}

// newGateway returns a gateway that invokes the functions of lambda.
func (s *services) newGateway(plan *sam.Plan) (*gateway.Gateway, error) {
	return gateway.New(gateway.Options{
		APIs:     apis(plan),
		Invoker:  invoker{s.lambda},
		Permit:   s.guard.Permit,
		Faults:   s.faults.Gateway(),
		Inferred: s.opts.Inferred,
		Log:      s.opts.Log,
		Trace:    s.trace,
	})
}

// ensure makes the plan's keys and tables where they are missing.
func (s *services) ensure(ctx context.Context, plan *sam.Plan) error {
	for _, k := range plan.Keys {
		if err := s.keys.Ensure(key(k)); err != nil {
			return err
		}
	}
	if err := s.opts.noteKeys(plan.Keys); err != nil {
		return err
	}
	for _, t := range plan.Tables {
		if err := s.tables.EnsureTable(ctx, table(t), t.TTLAttribute); err != nil {
			return fmt.Errorf("table %s: %w", t.LogicalID, err)
		}
	}
	return nil
}

// drain closes the WebSockets and ends the functions, $disconnect's last, while
// all services still answer. It ends with ctx.
func (s *services) drain(ctx context.Context) error {
	if s.gateway != nil {
		if err := s.gateway.Shutdown(ctx); err != nil {
			s.opts.Progress(fmt.Sprintf("%v: some functions were still running", err))
		}
	}
	if s.sources != nil {
		if err := s.sources.Close(ctx); err != nil {
			s.opts.Progress(fmt.Sprintf("%v; the next start delivers their batches again", err))
		}
	}
	if s.lambda == nil {
		return nil
	}
	return s.lambda.Close(ctx)
}

// closeStores closes what drain left open.
func (s *services) closeStores() error {
	if s.tables == nil {
		return nil
	}
	return s.tables.Close()
}
