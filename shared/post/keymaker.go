package post

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// KeyMaker asks the function rotateServerKey for the service's missing keys and
// waits until it has made them. It is safe for concurrent use.
type KeyMaker struct {
	api      *lambda.Client
	function string
}

// NewKeyMaker returns a key maker that invokes the named function.
func NewKeyMaker(api *lambda.Client, function string) *KeyMaker {
	return &KeyMaker{api: api, function: function}
}

// OnlyMissing is the event that makes rotateServerKey make missing keys and
// change nothing else.
const OnlyMissing = `{"onlyMissing":true}`

// MakeKeys makes the keys that are missing.
func (m *KeyMaker) MakeKeys(ctx context.Context) error {
	out, err := m.api.Invoke(ctx, &lambda.InvokeInput{FunctionName: &m.function, Payload: []byte(OnlyMissing)})
	if err == nil && out.FunctionError != nil {
		err = errors.New(aws.ToString(out.FunctionError)) // the function has logged the reason
	}
	if err != nil {
		return fmt.Errorf("invoke %s: %w", m.function, err)
	}
	return nil
}
