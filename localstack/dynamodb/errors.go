package dynamodb

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// The namespaces of error types on the wire: DynamoDB's own, and those of the
// framework below it, which refuses what never reaches DynamoDB.
const (
	namespaceDynamoDB = "com.amazonaws.dynamodb.v20120810#"
	namespaceService  = "com.amazon.coral.service#"
	namespaceValidate = "com.amazon.coral.validate#"
)

// apiError is an error that the client sees as it is.
type apiError struct {
	namespace string
	code      string
	status    int
	message   string
	item      attr.Item            // the item that failed its condition, if asked for
	reasons   []cancellationReason // of a cancelled transaction
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

// invalidParameter is the text with which DynamoDB begins most validation
// errors.
func invalidParameter(format string, args ...any) *apiError {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

func conditionFailed(item attr.Item) *apiError {
	e := clientError("ConditionalCheckFailedException", "The conditional request failed")
	e.item = item
	return e
}

// conflictMessage is said of an item that a transaction holds.
const conflictMessage = "Transaction is ongoing for the item"

func noTable() *apiError {
	return clientError("ResourceNotFoundException", "Requested resource not found")
}

func noSuchTable(name string) *apiError {
	return clientError("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

// asAPIError says what the client sees of err. What is not meant for it
// becomes InternalServerError, and internal is true: the log gets the detail.
func asAPIError(err error) (e *apiError, internal bool) {
	var (
		validation    *attr.ValidationError
		serialization *attr.SerializationError
	)
	switch {
	case errors.As(err, &e):
		return e, false
	case errors.As(err, &validation):
		return invalid("%s", validation.Message), false
	case errors.As(err, &serialization):
		return serviceError("SerializationException", "%s", serialization.Message), false
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

// failed says whether this action is one that the transaction failed for.
func (r cancellationReason) failed() bool { return r.Code != "None" }

var errClosed = errors.New("the engine is closed")
