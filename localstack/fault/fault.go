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

	"github.com/sotto-chat/sotto/localstack/dynamodb"
)

// Kind is what goes wrong.
type Kind string

// The faults, which stay on, and the actions, which end in -now or exit.
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

// Targets with a meaning of their own.
const (
	all    = "*"
	random = "random"
)

// maxDelay is the longest an invocation can take (Lambda quotas); nothing waits
// for anything longer.
const maxDelay = 15 * time.Minute

// Fault says what goes wrong, where, and how often. As JSON it has these
// members, of which only kind is required.
type Fault struct {
	Kind Kind `json:"kind"`
	// Target is a function's name, an operation of DynamoDB or a connection's
	// id; "*", the default, means all.
	Target string `json:"target"`
	// Table narrows a fault of DynamoDB to requests that name this table.
	Table string `json:"table,omitempty"`
	// Probability is the share of opportunities at which it strikes, 0 to 1;
	// the default is 1.
	Probability float64 `json:"probability"`
	// Count bounds how often it strikes; 0, the default, means without end.
	Count uint64 `json:"count,omitempty"`
	// Delay is at most 15 minutes; "50ms" in JSON.
	Delay Duration `json:"delay,omitzero"`
}

// Duration is a time.Duration, written as a string of Go's form in JSON.
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText is the form that UnmarshalText reads.
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

// readFault reads a fault from JSON, fills in the defaults and refuses members
// that do not exist.
func readFault(r io.Reader) (Fault, error) {
	f := Fault{Target: all, Probability: 1}
	return f, decode(r, &f)
}

// decode reads one JSON value and nothing else.
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

// check returns what is wrong with a fault, given the names of the functions
// that there are; nil means that any may be.
func (f Fault) check(functions []string) error {
	delay, known := kinds[f.Kind]
	everything := f.Target == all
	switch {
	case !known:
		return fmt.Errorf("kind %q is none of %s", f.Kind, kindNames())
	case f.Target == "":
		return fmt.Errorf("%s: target is empty; leave it out, or say *, to mean all", f.Kind)
	case !(f.Probability >= 0 && f.Probability <= 1):
		return fmt.Errorf("%s: probability %v is not within 0 and 1", f.Kind, f.Probability)
	case delay == noDelay && f.Delay != 0:
		return fmt.Errorf("%s takes no delay", f.Kind)
	case delay == mustDelay && f.Delay == 0:
		return fmt.Errorf("%s needs a delay", f.Kind)
	case f.Delay < 0 || time.Duration(f.Delay) > maxDelay:
		return fmt.Errorf("%s: delay %v is not within 0 and %v", f.Kind, f.Delay, maxDelay)
	case f.Kind.isAction() && (f.Probability != 1 || f.Count != 0):
		return fmt.Errorf("%s happens once, now: it takes no probability and no count", f.Kind)
	case f.Table != "" && f.Kind.service() != "dynamodb":
		return fmt.Errorf("%s takes no table", f.Kind)
	}
	switch f.Kind.service() {
	case "lambda":
		if !everything && functions != nil && !slices.Contains(functions, f.Target) {
			return fmt.Errorf("%s: there is no function %q, only %s", f.Kind, f.Target, strings.Join(functions, ", "))
		}
	case "dynamodb":
		if !everything && !dynamodb.HasOperation(f.Target) {
			return fmt.Errorf("%s: DynamoDB has no operation %q here", f.Kind, f.Target)
		}
		if !everything && f.Kind == DynamoDBConflict && !dynamodb.CanConflict(f.Target) {
			return fmt.Errorf("%s: %s meets no transaction", f.Kind, f.Target)
		}
	case "stack":
		if !everything {
			return fmt.Errorf("%s takes no target", f.Kind)
		}
	}
	return nil
}

func kindNames() string {
	var names []string
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
