package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/dynamodb"
)

// Kind is the kind of a fault or an action.
type Kind string

// The faults, which stay on until they are cleared, and the actions, whose
// names end in -now or exit.
const (
	LambdaKillBefore   Kind = "lambda.kill-before"
	LambdaKillDuring   Kind = "lambda.kill-during"
	LambdaKillAfter    Kind = "lambda.kill-after"
	LambdaLoseResponse Kind = "lambda.lose-response"
	LambdaTwice        Kind = "lambda.twice"
	LambdaHold         Kind = "lambda.hold"
	DynamoDBThroughput Kind = "dynamodb.throughput"
	DynamoDBThrottling Kind = "dynamodb.throttling"
	DynamoDBConflict   Kind = "dynamodb.conflict"
	DynamoDBError      Kind = "dynamodb.error"
	DynamoDBLoseAnswer Kind = "dynamodb.lose-answer"
	DynamoDBLateError  Kind = "dynamodb.late-error"
	GatewayDelay       Kind = "gateway.delay"
	GatewayLimit       Kind = "gateway.limit"
	GatewayGone        Kind = "gateway.gone"
	GatewayDrop        Kind = "gateway.drop"

	LambdaKillNow  Kind = "lambda.kill-now"
	GatewayDropNow Kind = "gateway.drop-now"
	StackExit      Kind = "stack.exit"
)

// delays says whether a kind takes a delay.
type delays int

const (
	noDelay delays = iota
	mayDelay
	mustDelay
)

var kinds = map[Kind]delays{
	LambdaKillBefore:   noDelay,
	LambdaKillDuring:   mustDelay,
	LambdaKillAfter:    noDelay,
	LambdaLoseResponse: noDelay,
	LambdaTwice:        noDelay,
	LambdaHold:         mustDelay,
	DynamoDBThroughput: noDelay,
	DynamoDBThrottling: noDelay,
	DynamoDBConflict:   noDelay,
	DynamoDBError:      noDelay,
	DynamoDBLoseAnswer: mayDelay,
	DynamoDBLateError:  mayDelay,
	GatewayDelay:       mustDelay,
	GatewayLimit:       noDelay,
	GatewayGone:        noDelay,
	GatewayDrop:        noDelay,
	LambdaKillNow:      noDelay,
	GatewayDropNow:     noDelay,
	StackExit:          noDelay,
}

func (k Kind) service() string {
	name, _, _ := strings.Cut(string(k), ".")
	return name
}

func (k Kind) isAction() bool { return k == LambdaKillNow || k == GatewayDropNow || k == StackExit }

// Targets with a special meaning.
const (
	all    = "*"
	random = "random"
)

// maxDelay bounds Fault.Delay. No invocation lasts longer (Lambda quotas), so a
// longer delay would have no effect.
const maxDelay = awsname.MaxTimeout

// Fault describes a fault or an action: its kind, its target and how often it
// strikes. In JSON only the member kind is required.
type Fault struct {
	Kind Kind `json:"kind"`
	// Target is a function's name, a DynamoDB operation or a connection's id;
	// "*", the default, means all.
	Target string `json:"target"`
	// Table limits a dynamodb fault to requests that name this table.
	Table string `json:"table,omitempty"`
	// Probability is the chance, 0 to 1, that the fault strikes when it could;
	// the default is 1.
	Probability float64 `json:"probability"`
	// Count bounds how often the fault strikes; 0, the default, means no bound.
	Count uint64 `json:"count,omitempty"`
	// Delay is at most 15 minutes. In JSON it is a string such as "50ms".
	Delay Duration `json:"delay,omitzero"`
}

// Duration is a time.Duration that JSON and flags write in Go's form, such as
// 1.5s.
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText returns the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration such as 1.5s or 20ms.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("delay %q is not a duration such as 50ms or 1.5s", text)
	}
	*d = Duration(parsed)
	return nil
}

// readFault reads a fault from JSON and fills in the defaults. An unknown
// member is an error.
func readFault(r io.Reader) (Fault, error) {
	f := Fault{Target: all, Probability: 1}
	return f, decode(r, &f)
}

// decode reads exactly one JSON value.
func decode(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read the JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

// check returns an error if the fault makes no sense. functions are the names
// that a lambda fault may have as its target; nil allows any name.
func (f Fault) check(functions []string) error {
	if _, known := kinds[f.Kind]; !known {
		return fmt.Errorf("unknown kind %q; the kinds are %s", f.Kind, kindNames())
	}
	if f.Target == "" {
		return fmt.Errorf("%s: target is empty; leave it out or use * for all", f.Kind)
	}
	if !(f.Probability >= 0 && f.Probability <= 1) { // also refuses NaN
		return fmt.Errorf("%s: probability %v is not between 0 and 1", f.Kind, f.Probability)
	}
	if err := f.checkDelay(); err != nil {
		return err
	}
	if f.Kind.isAction() && (f.Probability != 1 || f.Count != 0) {
		return fmt.Errorf("%s is an action: it takes no probability and no count", f.Kind)
	}
	if f.Table != "" && f.Kind.service() != "dynamodb" {
		return fmt.Errorf("%s takes no table", f.Kind)
	}
	if f.Target == all {
		return nil
	}
	return f.checkTarget(functions)
}

func (f Fault) checkDelay() error {
	switch delay := kinds[f.Kind]; {
	case delay == noDelay && f.Delay != 0:
		return fmt.Errorf("%s takes no delay", f.Kind)
	case delay == mustDelay && f.Delay == 0:
		return fmt.Errorf("%s needs a delay", f.Kind)
	case f.Delay < 0 || time.Duration(f.Delay) > maxDelay:
		return fmt.Errorf("%s: delay %v is not between 0 and %v", f.Kind, f.Delay, maxDelay)
	}
	return nil
}

// checkTarget checks a target other than "*".
func (f Fault) checkTarget(functions []string) error {
	switch f.Kind.service() {
	case "lambda":
		if functions != nil && !slices.Contains(functions, f.Target) {
			return fmt.Errorf("%s: no function %q; the functions are %s", f.Kind, f.Target,
				strings.Join(functions, ", "))
		}
	case "dynamodb":
		if !dynamodb.HasOperation(f.Target) {
			return fmt.Errorf("%s: DynamoDB has no operation %q here", f.Kind, f.Target)
		}
		if f.Kind == DynamoDBConflict && !dynamodb.CanConflict(f.Target) {
			return fmt.Errorf("%s: %s cannot conflict with a transaction", f.Kind, f.Target)
		}
	case "stack":
		return fmt.Errorf("%s takes no target", f.Kind)
	}
	return nil
}

// kindNames returns all kinds, sorted, in one string.
func kindNames() string {
	var names []string
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
