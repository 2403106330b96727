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

// Faults says which requests go wrong on purpose, so that tests see what
// clients make of it. Its methods are called concurrently, for every request.
type Faults interface {
	// Before is asked when a request is about to be carried out.
	Before(operation string, r Request) Refusal
	// After is asked when it has been carried out and committed, or read: its
	// answer is lost, or not. Requests that failed are not asked about.
	After(operation string, r Request) LostAnswer
}

// Refusal says why a request is not carried out.
type Refusal int

const (
	RefuseNot        Refusal = iota
	RefuseThroughput         // ProvisionedThroughputExceededException
	RefuseThrottling         // ThrottlingException
	RefuseConflict           // TransactionConflictException, or a cancelled transaction; only where CanConflict
	RefuseInternal           // InternalServerError
)

// LostAnswer says that a request is carried out and its client does not learn
// it: the connection is dropped after Delay, or with Internal answered with
// InternalServerError.
type LostAnswer struct {
	Lost, Internal bool
	Delay          time.Duration
}

// Request is the body of a request.
type Request struct{ body []byte }

// Tables returns the names of the tables in the request, each once, in order;
// none if it has none or cannot be read.
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
	for i, name := range names { // an ARN does as well
		names[i] = name[strings.LastIndexByte(name, '/')+1:]
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// CanConflict reports whether an operation may meet a transaction.
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

// conflict is the error of a write that meets a transaction, or of a
// transaction of which every action does.
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

// lostAnswer is what answer returns for a request whose client is not to learn
// that it was carried out.
type lostAnswer struct{ LostAnswer }

func (lostAnswer) Error() string { return "the answer is lost on purpose" }

// wait waits for the delay, or until the client has left.
func (l lostAnswer) wait(ctx context.Context) {
	select {
	case <-time.After(l.Delay):
	case <-ctx.Done():
	}
}
