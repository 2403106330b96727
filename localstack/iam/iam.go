// Package iam decides whether a function's role may do what the function asks
// of a service, as AWS Identity and Access Management would: a permission that
// is missing in the template fails here as it fails there, with the service's
// own answer.
//
// Use it in front of the services of the local stack: [New] takes the roles of
// the template's functions, and [Guard.DynamoDB], [Guard.KMS], [Guard.Lambda]
// and [Guard.Management] wrap the services' handlers. Whoever asks is read from
// the request's context ([trace.CallerOf]); a caller from outside the stack may
// do everything, as the owner of an account may.
//
// It evaluates identity-based policies, policies of resources and permissions
// boundaries within one account (IAM user guide, "Policy evaluation logic").
// What it cannot know it does not refuse: a role that is given by an ARN from
// outside the template, or that has a policy whose statements are not known
// here, is let through where its known statements do not decide, with one
// line in the log per function and policy. Organizations' policies, session
// policies, grants and resource tags (aws:ResourceTag) are not there.
//
// It never checks signatures, and it is no protection: a process on this
// machine can call as somebody else.
package iam

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Role is the execution role of a function.
type Role struct {
	ARN, Name string
	// External is set for a role from outside the template, whose policies are
	// not known.
	External bool
	// Statements are those of all its policies of the template, inline and
	// managed.
	Statements []Statement
	// Managed are the ARNs of policies outside the template. The statements of
	// AWS's own common ones are known here ([Known]).
	Managed []string
	// Unresolved are names of policies that are attached without their
	// statements.
	Unresolved []string
	// Boundary is the ARN of the permissions boundary, or empty. One whose
	// statements are not known here bounds nothing.
	Boundary string
}

// Statement is one statement of a policy, with scalars widened to lists (IAM
// user guide, "Grammar of the IAM JSON policy language").
type Statement struct {
	// Version is that of the policy document. Variables such as ${aws:userid}
	// are only replaced with 2012-10-17; the empty Version is IAM's default
	// 2008-10-17, in which they are plain text.
	Version string
	Sid     string
	// Effect is Allow or Deny.
	Effect                                   string
	Action, NotAction, Resource, NotResource []string
	// Condition maps operator, then condition key, to the accepted values.
	Condition map[string]map[string][]string
	// Principal and NotPrincipal map AWS, Service, Federated or CanonicalUser
	// to names. Only policies of resources have them; * alone stands as AWS: *.
	Principal, NotPrincipal map[string][]string
}

// Options describe the account and its roles. Account and Region are required.
type Options struct {
	Account string // twelve digits
	Region  string
	// Roles are the functions' execution roles, by function name.
	Roles map[string]Role
	// Resources are the policies of resources, by ARN: key policies (a key
	// without one has KMS's default, which leaves it to the roles) and table
	// policies.
	Resources map[string][]Statement

	// PartitionKey names the partition key of a table or, with index, of one of
	// its indexes; "" if it is not known. It is asked only where a policy has a
	// condition on dynamodb:LeadingKeys. Nil knows none, so the key is absent
	// from requests.
	PartitionKey func(table, index string) string
	// Key finds a KMS key by any form of KeyId or, with an empty keyID, by what
	// it encrypted. Requests that name no existing key pass, for the service to
	// refuse. Without it the KMS guard lets everything pass.
	Key func(keyID string, ciphertext []byte) (Key, bool)

	Log   *slog.Logger // one line per denied request, never with a key of an item; nil discards
	Trace trace.Sink   // of denied requests, which the services do not see; nil discards
}

// Key is what condition keys can tell of a KMS key.
type Key struct {
	ARN string
	// Aliases start with "alias/".
	Aliases             []string
	Spec, Usage, Origin string
	MultiRegion         bool
}

// Guard decides. Its methods may be called concurrently.
type Guard struct {
	opts   Options
	known  atomic.Pointer[policies]
	warned sync.Map // function and policy, said already
}

// policies are what Update sets as a whole.
type policies struct {
	roles     map[string]*role
	resources map[string][]*statement
}

// New compiles the policies. A policy that IAM would refuse as malformed is an
// error that names the function and the statement.
func New(o Options) (*Guard, error) {
	if o.Account == "" || o.Region == "" {
		return nil, errors.New("iam: Account and Region are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Trace == nil {
		o.Trace = trace.Discard
	}
	g := &Guard{opts: o}
	if err := g.Update(o.Roles, o.Resources); err != nil {
		return nil, err
	}
	return g, nil
}

// Denied is a refusal, with AWS's text.
type Denied struct {
	// Principal is the session of the function's role, an STS ARN.
	Principal        string
	Action, Resource string
	reason           reason
}

func (d *Denied) Error() string {
	return "User: " + d.Principal + " is not authorized to perform: " + d.Action + " on resource: " +
		d.Resource + " " + d.reason.text(d.Action)
}

// Explicit reports whether a statement denies the action; otherwise none allows
// it.
func (d *Denied) Explicit() bool { return d.reason.explicit() }

// Context are the condition keys of a request and their values; names count in
// any case. A key without values is there but empty.
type Context map[string][]string

// Check returns a [*Denied] if the caller in ctx may not do action (such as
// dynamodb:PutItem) on resource (an ARN, or *), and nil if it may. The keys add
// to those that Check knows itself: who asks, when, and from which region.
func (g *Guard) Check(ctx context.Context, action, resource string, keys Context) error {
	caller := trace.CallerOf(ctx)
	if caller.Function == "" {
		return nil
	}
	lower := make(Context, len(keys))
	for name, values := range keys {
		lower[strings.ToLower(name)] = values
	}
	if d := g.decide(caller, action, resource, lower); d != nil {
		return d
	}
	return nil
}

// Permit is [Guard.Check] for services that ask for themselves and answer with
// the error's text; a refusal is logged as the guards' own are.
func (g *Guard) Permit(ctx context.Context, action, resource string) error {
	err := g.Check(ctx, action, resource, nil)
	if d := (*Denied)(nil); errors.As(err, &d) {
		g.report(trace.CallerOf(ctx), demand{action: action, resource: resource}, d, "")
	}
	return err
}

func (k Context) lookup(name string) ([]string, bool) {
	values, ok := k[name]
	return values, ok
}
