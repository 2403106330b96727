package post

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/strict"
)

// handOverPatience bounds one hand-over with its attempts. After that it is
// faster for the caller to post the chunk itself.
const handOverPatience = 2 * time.Second

// Courier implements room.Courier by invoking a function asynchronously: Lambda
// queues the event and answers at once. It is safe for concurrent use.
type Courier struct {
	api      *lambda.Client
	function string
}

var _ room.Courier = (*Courier)(nil)

// NewCourier returns a courier that invokes the named function, whose event is
// a room.Chunk in JSON.
func NewCourier(api *lambda.Client, function string) *Courier {
	return &Courier{api: api, function: function}
}

// HandOver implements room.Courier.
func (c *Courier) HandOver(ctx context.Context, chunk room.Chunk) error {
	ctx, cancel := context.WithTimeout(ctx, handOverPatience)
	defer cancel()
	payload, err := strict.Marshal(chunk)
	if err != nil {
		return fmt.Errorf("encode the chunk: %w", err)
	}
	_, err = c.api.Invoke(ctx, &lambda.InvokeInput{
		FunctionName:   &c.function,
		InvocationType: types.InvocationTypeEvent,
		Payload:        payload,
	})
	if err != nil {
		return fmt.Errorf("invoke %s: %w", c.function, err)
	}
	return nil
}
