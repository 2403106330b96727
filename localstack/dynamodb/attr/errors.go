package attr

import "fmt"

// ValidationError is a request that DynamoDB refuses with ValidationException.
// Message is the text that the caller of the API sees.
type ValidationError struct {
	Message string
}

func (e *ValidationError) Error() string { return e.Message }

// Invalidf makes a [*ValidationError] with a formatted message.
func Invalidf(format string, args ...any) error {
	return &ValidationError{Message: fmt.Sprintf(format, args...)}
}

// SerializationError is a request body that DynamoDB refuses with
// SerializationException: JSON of the wrong shape, such as {"S": 1}.
type SerializationError struct {
	Message string
}

func (e *SerializationError) Error() string { return e.Message }
