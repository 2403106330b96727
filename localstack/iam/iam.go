// Package iam decides whether a function's role may do what the function asks
// of a service, as AWS Identity and Access Management does. A permission that
// is missing in the template fails here as it fails on AWS, with the answer of
// the service.
//
// Use it in front of the services of the local stack: [New] takes the roles of
// the template's functions, and [Guard.DynamoDB], [Guard.KMS], [Guard.Lambda]
// and [Guard.Management] wrap the services' handlers. The caller is in the
// context of the request ([trace.CallerOf]). A caller from outside the stack
// may do everything, like the owner of an account.
//
// The package evaluates identity-based policies, resource-based policies and
// permissions boundaries within one account (IAM user guide, "Policy evaluation
// logic"). It does not refuse what it cannot decide: if a role comes from
// outside the template, or has a policy whose statements are unknown, a request
// that the known statements do not decide is permitted, with one line in the
// log per function and policy. Not implemented locally are policies of
// Organizations, session policies and resource tags (aws:ResourceTag), except
// those of KMS keys.
//
// [Guard.Uses] counts which permissions requests have needed.
//
// It never checks signatures and is no protection: any process on this machine
// can call as another one.
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
	// External is set for a role from outside the template. Its policies are
	// unknown.
	External bool
	// Statements are the statements of all policies in the template, inline and
	// managed.
	Statements []Statement
	// Managed are the ARNs of managed policies outside the template. The
	// statements of the common AWS managed policies are known here.
	Managed []string
	// Unresolved are the names of attached policies whose statements the
	// template does not have.
	Unresolved []string
	// Boundary is the ARN of the permissions boundary, or empty. A boundary
	// whose statements are unknown has no effect.
	Boundary string
}

// Statement is one statement of a policy, with scalars widened to lists (IAM
// user guide, "Grammar of the IAM JSON policy language").
type Statement struct {
	// Version is the version of the policy document. Variables such as
	// ${aws:userid} are replaced only with 2012-10-17. The empty Version means
	// 2008-10-17, IAM's default, in which they are plain text.
	Version string
	Sid     string
	// Effect is Allow or Deny.
	Effect                                   string
	Action, NotAction, Resource, NotResource []string
	// Condition maps an operator and a condition key to the accepted values.
	Condition map[string]map[string][]string
	// Principal and NotPrincipal map AWS, Service, Federated or CanonicalUser
	// to names. Only resource-based policies have them; write a lone * as
	// AWS: *.
	Principal, NotPrincipal map[string][]string
}

// Options describe the account and its roles. Account and Region are required.
type Options struct {
	Account string // twelve digits
	Region  string
	// Roles are the functions' execution roles, by function name.
	Roles map[string]Role
	// Resources are the resource-based policies by ARN: key policies and table
	// policies. A key without one has KMS's default, which delegates to IAM.
	Resources map[string][]Statement

	// PartitionKey returns the name of the partition key of a table or, with
	// index, of one of its indexes; "" if it is unknown. It is called only for
	// policies with a condition on dynamodb:LeadingKeys. If it is nil, requests
	// do not have that condition key.
	PartitionKey func(table, index string) string
	// Key finds a KMS key by any form of KeyId or, with an empty keyID, by a
	// ciphertext. Requests that name no existing key pass, and the service
	// refuses them. If Key is nil, all KMS requests pass.
	Key func(keyID string, ciphertext []byte) (Key, bool)

	// TemplateName returns how the template refers to the resource with an ARN,
	// for the remedy in the log; empty if the template does not have it. If it
	// is nil, remedies name ARNs.
	TemplateName func(function, arn string) string

	// Log gets one line per denied request, never with a key of an item; nil
	// discards it.
	Log *slog.Logger
	// Trace gets the denied requests, which never reach the services; nil
	// discards them.
	Trace trace.Sink
}

// Key has the properties of a KMS key that condition keys can name.
type Key struct {
	ARN string
	// Aliases start with "alias/".
	Aliases             []string
	Spec, Usage, Origin string
	MultiRegion         bool
	// Tags are tested by aws:ResourceTag.
	Tags map[string]string
	// Policy is a key policy in JSON that replaces the one of
	// Options.Resources, or empty.
	Policy string
	// Grants allow what the policies do not, but not what one denies.
	Grants []Grant
}

// Guard checks the permissions of requests. Its methods may be called
// concurrently.
type Guard struct {
	opts   Options
	known  atomic.Pointer[policies]
	warned sync.Map // function and policy of warnings that were logged
	// documents has the compiled key policies that were set by the API.
	documents sync.Map // string to []*statement
	uses      uses
}

// policies are what [Guard.Update] replaces as a whole.
type policies struct {
	roles     map[string]*role
	resources map[string][]*statement
}

// New returns a guard for the roles in o. A policy that IAM would refuse as
// malformed is an error, which names the function and the statement.
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

// Denied is the error of a refused request, with the text of AWS.
type Denied struct {
	// Principal is the STS ARN of the function's session.
	Principal        string
	Action, Resource string
	reason           reason
}

func (d *Denied) Error() string {
	return "User: " + d.Principal + " is not authorized to perform: " + d.Action + " on resource: " +
		d.Resource + " " + d.reason.text(d.Action)
}

// Explicit reports whether a statement denies the action. Otherwise no
// statement allows it.
func (d *Denied) Explicit() bool { return d.reason.explicit() }

// Context maps the condition keys of a request to their values. Case does not
// matter in names. A key with an empty list is present but has no value.
type Context map[string][]string

// Check returns nil if the caller in ctx may do action (such as
// dynamodb:PutItem) on resource (an ARN or *), and otherwise a [*Denied]. keys
// are further condition keys: Check knows the global ones, such as the caller,
// the time and the region.
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

// Permit is [Guard.Check] for services that check permissions themselves. A
// refusal is logged like those of the guarded handlers.
func (g *Guard) Permit(ctx context.Context, action, resource string) error {
	err := g.Check(ctx, action, resource, nil)
	if d, ok := errors.AsType[*Denied](err); ok {
		g.report(trace.CallerOf(ctx), permission{action: action, resource: resource}, d, "")
	}
	return err
}

func (k Context) lookup(name string) ([]string, bool) {
	values, ok := k[name]
	return values, ok
}
