package attr

import "fmt"

// ValidationError is the error for a request that DynamoDB refuses with
// ValidationException. Message is the text that the API returns.
type ValidationError struct {
	Message string
}

func (e *ValidationError) Error() string { return e.Message }

// Invalidf returns a [*ValidationError] with a formatted message.
func Invalidf(format string, args ...any) error {
	return &ValidationError{Message: fmt.Sprintf(format, args...)}
}

// SerializationError is the error for a request body that DynamoDB refuses with
// SerializationException: JSON of the wrong shape, such as {"S": 1}. Message is
// the text that the API returns.
type SerializationError struct {
	Message string
}

func (e *SerializationError) Error() string { return e.Message }
