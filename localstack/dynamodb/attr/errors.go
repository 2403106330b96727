package attr

import "fmt"

// ValidationError is the error for a request that DynamoDB refuses with
// ValidationException. Message is the text that the API returns.
type ValidationError struct {
	Message string
	// Older is the text of the operations whose checks of values AWS has not
	// renewed; it is empty if the texts are equal.
	Older string
	// Structural says that a value has no type, several types or too many
	// levels. No operation encloses these errors in other text.
	Structural bool
}

func (e *ValidationError) Error() string { return e.Message }

// Invalidf returns a [*ValidationError] with a formatted message.
func Invalidf(format string, args ...any) error {
	return &ValidationError{Message: fmt.Sprintf(format, args...)}
}

// structural returns a [*ValidationError] about the structure of a value.
func structural(message string) error {
	return &ValidationError{Message: message, Structural: true}
}

// SerializationError is the error for a request body that DynamoDB refuses with
// SerializationException: JSON of the wrong shape, such as {"S": 1}. Message is
// the text that the API returns.
type SerializationError struct {
	Message string
}

func (e *SerializationError) Error() string { return e.Message }
