package dynamodb

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// The namespaces of error types on the wire: that of DynamoDB, and those of
// AWS's web framework, which refuses some requests before DynamoDB sees them.
const (
	namespaceDynamoDB = "com.amazonaws.dynamodb.v20120810#"
	namespaceService  = "com.amazon.coral.service#"
	namespaceValidate = "com.amazon.coral.validate#"
)

// apiError is an error whose code and message the client sees.
type apiError struct {
	namespace string
	code      string
	status    int
	message   string
	item      attr.Item            // the item that failed the condition, if the client asked for it
	reasons   []cancellationReason // of a cancelled transaction
	// early says that the request alone is at fault, whatever is stored: in a
	// TransactWriteItems it is the error of the request, not a reason to
	// cancel.
	early bool
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func clientError(code, format string, args ...any) *apiError {
	return &apiError{
		namespace: namespaceDynamoDB,
		code:      code,
		status:    http.StatusBadRequest,
		message:   fmt.Sprintf(format, args...),
	}
}

func serviceError(code, format string, args ...any) *apiError {
	e := clientError(code, format, args...)
	e.namespace = namespaceService
	return e
}

func invalid(format string, args ...any) *apiError {
	e := clientError("ValidationException", format, args...)
	e.namespace = namespaceValidate
	return e
}

// invalidRequest returns a ValidationException that is found before a
// transaction begins.
func invalidRequest(format string, args ...any) *apiError {
	e := invalid(format, args...)
	e.early = true
	return e
}

// isEarly reports whether err is found before a transaction begins.
func isEarly(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.early
}

// invalidParameter returns a ValidationException with the prefix that most of
// DynamoDB's messages have.
func invalidParameter(format string, args ...any) *apiError {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

func conditionFailed(item attr.Item) *apiError {
	e := clientError("ConditionalCheckFailedException", "The conditional request failed")
	e.item = item
	return e
}

// conflictMessage is DynamoDB's text for an item that a transaction holds.
const conflictMessage = "Transaction is ongoing for the item"

func noTable() *apiError {
	return clientError("ResourceNotFoundException", "Requested resource not found")
}

func noSuchTable(name string) *apiError {
	return clientError("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

// asAPIError returns the error that the client sees for err. Any error that is
// not from the closed list becomes InternalServerError, and internal is true:
// the caller logs err.
func asAPIError(err error) (e *apiError, internal bool) {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e, false
	}
	if e, ok := errors.AsType[*attr.ValidationError](err); ok {
		return invalid("%s", e.Message), false
	}
	if e, ok := errors.AsType[*attr.SerializationError](err); ok {
		return serviceError("SerializationException", "%s", e.Message), false
	}
	switch {
	case errors.Is(err, store.ErrNoTable):
		return noTable(), false
	case errors.Is(err, store.ErrConflict):
		return clientError("TransactionConflictException", conflictMessage), false
	case errors.Is(err, errClosed):
		e = serviceError("ServiceUnavailableException", "The engine is shutting down")
		e.status = http.StatusServiceUnavailable
		return e, false
	}
	return internalServerError(), true
}

func internalServerError() *apiError {
	e := clientError("InternalServerError", "Internal server error")
	e.status = http.StatusInternalServerError
	return e
}

// cancellationReason is CancellationReason on the wire.
type cancellationReason struct {
	Code    string
	Message string    `json:",omitempty"`
	Item    attr.Item `json:",omitempty"`
}

// failed reports whether this action made the transaction fail.
func (r cancellationReason) failed() bool { return r.Code != "None" }

var errClosed = errors.New("the engine is closed")
