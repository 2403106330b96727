package dynamodb

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/partiql"
)

// Faults decides which requests fail on purpose, so that tests see how clients
// handle it. Its methods are called concurrently, for every request.
type Faults interface {
	// Before is called before a request runs.
	Before(operation string, r Request) Refusal
	// After is called when a request has run and its changes are committed. It
	// decides whether the answer is lost. It is not called for requests that
	// failed.
	After(operation string, r Request) LostAnswer
}

// Refusal is the error with which a request is refused before it runs.
type Refusal int

const (
	RefuseNothing    Refusal = iota // the request runs
	RefuseThroughput                // ProvisionedThroughputExceededException
	RefuseThrottling                // ThrottlingException
	RefuseConflict                  // TransactionConflictException or a cancelled transaction; only if CanConflict
	RefuseInternal                  // InternalServerError
)

// LostAnswer says whether the answer of a request that has run is lost. If so,
// the connection is dropped after Delay or, with Internal, the client gets an
// InternalServerError.
type LostAnswer struct {
	Lost, Internal bool
	Delay          time.Duration
}

// Request is a request that [Faults] decides about.
type Request struct{ body []byte }

// Tables returns the names of the tables in the request, each once, sorted. It
// returns none for a body that is not valid JSON.
func (r Request) Tables() []string {
	type named struct{ TableName string }
	var in struct {
		named
		RequestItems  map[string]json.RawMessage
		TransactItems []map[string]named

		Statement                      string
		Statements, TransactStatements []struct{ Statement string }
	}
	if json.Unmarshal(r.body, &in) != nil {
		return nil
	}
	names := []string{in.TableName, partiql.TableOf(in.Statement)}
	for _, s := range slices.Concat(in.Statements, in.TransactStatements) {
		names = append(names, partiql.TableOf(s.Statement))
	}
	names = slices.AppendSeq(names, maps.Keys(in.RequestItems))
	for _, actions := range in.TransactItems {
		for _, action := range actions {
			names = append(names, action.TableName)
		}
	}
	for i, name := range names { // the name may be an ARN
		names[i] = name[strings.LastIndexByte(name, '/')+1:]
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// CanConflict reports whether an operation can conflict with a transaction.
func CanConflict(operation string) bool {
	switch operation {
	case "PutItem", "UpdateItem", "DeleteItem", "TransactGetItems", "TransactWriteItems":
		return true
	}
	return false
}

// refuse returns the error of a refusal, or nil.
func (f Refusal) refuse(r Request) error {
	switch f {
	case RefuseThroughput:
		return clientError("ProvisionedThroughputExceededException",
			"The level of configured provisioned throughput for the table was exceeded. "+
				"Consider increasing your provisioning level with the UpdateTable API.")
	case RefuseThrottling:
		return serviceError("ThrottlingException", "Rate of requests exceeds the allowed throughput.")
	case RefuseConflict:
		return conflict(r)
	case RefuseInternal:
		return internalServerError()
	}
	return nil
}

// conflict returns the error of a write that conflicts with a transaction, or
// of a transaction whose actions all conflict.
func conflict(r Request) error {
	var in struct{ TransactItems []json.RawMessage }
	if json.Unmarshal(r.body, &in) != nil || len(in.TransactItems) == 0 {
		return clientError("TransactionConflictException", conflictMessage)
	}
	reasons := make([]cancellationReason, len(in.TransactItems))
	for i := range reasons {
		reasons[i] = cancellationReason{Code: "TransactionConflict", Message: conflictMessage}
	}
	return cancelledFor(reasons)
}

// lostAnswer is the error of a request that has run and whose answer is lost on
// purpose.
type lostAnswer struct{ LostAnswer }

func (lostAnswer) Error() string { return "the answer is lost on purpose" }

// wait waits for the delay, or until the client closes the connection.
func (l lostAnswer) wait(ctx context.Context) {
	select {
	case <-time.After(l.Delay):
	case <-ctx.Done():
	}
}
