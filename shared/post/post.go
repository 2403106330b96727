// Package post posts frames to connections through API Gateway's @connections
// API, a bounded number at a time, and turns its answers into package room's
// errors. It also hands over chunks of large rooms with Lambda. It never logs
// or stores a frame.
package post

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/recovery"
	"github.com/sotto-chat/sotto/shared/room"
)

const (
	// Concurrency is the number of concurrent posts of one fan-out, and so the
	// number of idle connections that the HTTP client should keep to the
	// endpoint. It is a chunk's size, so that no listener of a chunk waits for
	// another.
	Concurrency = room.ChunkSize
	// patience bounds one post with all its attempts. A client that has not
	// been reached by then finds the gap itself. Every second of waiting is
	// billed and delays the next message of the room.
	patience = 5 * time.Second
)

// Poster implements room.Poster. It is safe for concurrent use.
type Poster struct {
	api *apigatewaymanagementapi.Client
}

var _ room.Poster = (*Poster)(nil)

// New returns a poster for the stage of api's endpoint. It uses its own retryer
// in place of api's.
func New(api *apigatewaymanagementapi.Client) *Poster {
	return &Poster{api: apigatewaymanagementapi.New(api.Options(),
		func(o *apigatewaymanagementapi.Options) { o.Retryer = retryer() })}
}

// A post is attempted up to attempts times. Pauses double from firstPause, and
// their sum is below patience.
const (
	attempts   = 6
	firstPause = 100 * time.Millisecond
)

// retryer retries after 429, which means that the account's rate is spent or
// that the client reads too slowly (API Gateway, PostToConnection), after 5xx
// and after network failures. Unlike the SDK's retryer it has no common budget:
// a few slow clients would use up the attempts of all.
func retryer() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(pause)
		o.Retryables = append(o.Retryables,
			retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
	})
}

// pause returns how long to wait after a failed attempt, counted from 1. Half
// of it is random, so that posts that failed together do not retry together.
func pause(attempt int, _ error) (time.Duration, error) {
	longest := firstPause << min(max(attempt-1, 0), attempts)
	return longest/2 + rand.N(longest/2), nil
}

// Post implements room.Poster.
func (p *Poster) Post(ctx context.Context, id chat.Connection, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	name := string(id)
	_, err := p.api.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: &name,
		Data:         data,
	})
	if gone(err) {
		return room.ErrGone
	}
	if err != nil {
		return fmt.Errorf("post to the connection: %w", err)
	}
	return nil
}

// PostAll implements room.Poster. The workers also make the frames, since each
// takes an RSA operation.
func (p *Poster) PostAll(ctx context.Context, n int, connection func(int) chat.Connection,
	frame func(int) ([]byte, error), outcome func(int, error)) {
	one := func(i int) error {
		return recovery.Call(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			data, err := frame(i)
			if err != nil {
				return err
			}
			return p.Post(ctx, connection(i), data)
		})
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, Concurrency) {
		workers.Go(func() {
			for i := range next {
				outcome(i, one(i))
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

// Close implements room.Poster.
func (p *Poster) Close(ctx context.Context, id chat.Connection) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	name := string(id)
	_, err := p.api.DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &name})
	if err != nil && !gone(err) {
		return fmt.Errorf("close the connection: %w", err)
	}
	return nil
}

func gone(err error) bool {
	var gone *types.GoneException
	return errors.As(err, &gone)
}
