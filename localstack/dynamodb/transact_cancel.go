package dynamodb

import (
	"errors"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// reasons are the cancellation reasons of all actions, in their order.
type reasons []cancellationReason

func (r reasons) anyFailed() bool { return slices.ContainsFunc(r, cancellationReason.failed) }

// maxTransactionBytes bounds all items of a transaction together (API
// reference).
const maxTransactionBytes = 4 << 20

var errTransactionBytes = invalidRequest("The aggregate size of the items in the transaction exceeds %d bytes",
	maxTransactionBytes)

// cancelled returns the error of a transaction that was not committed, with a
// reason for each action.
func cancelled(changes []store.Change) error {
	all := make(reasons, len(changes))
	for i, c := range changes {
		if isEarly(c.Err) {
			return c.Err
		}
		all[i] = reasonOf(c.Err)
	}
	return cancelledFor(all)
}

func cancelledFor(all reasons) error {
	codes := make([]string, len(all))
	for i, r := range all {
		codes[i] = r.Code
	}
	e := clientError("TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	e.reasons = all
	return e
}

func reasonOf(err error) cancellationReason {
	if err == nil {
		return cancellationReason{Code: "None"}
	}
	if errors.Is(err, store.ErrConflict) {
		return cancellationReason{Code: "TransactionConflict", Message: conflictMessage}
	}
	api, _ := asAPIError(err)
	if api.code == "ConditionalCheckFailedException" {
		return cancellationReason{Code: "ConditionalCheckFailed", Message: api.message, Item: api.item}
	}
	if api.code == "DuplicateItemException" {
		return cancellationReason{Code: "DuplicateItem", Message: api.message}
	}
	return cancellationReason{Code: "ValidationError", Message: api.message}
}
