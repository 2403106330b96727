// Package post posts frames to connections through API Gateway's @connections
// API: a bounded number at a time, with what the answers mean said in room's
// terms. What is too much for one instance it hands over by Lambda. It never
// logs or keeps what it posts.
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
	// Concurrency is how many posts of one fan-out are under way at a time, and
	// so how many idle connections the HTTP client should keep to the endpoint.
	// It is a chunk's size, so that in a chunk nobody waits for anybody.
	Concurrency = room.ChunkSize
	// patience bounds one post with all its tries. A client that cannot be
	// reached by then finds the gap by itself, while every second of waiting is
	// billed and the next message of the room is on its way.
	patience = 5 * time.Second
)

// Poster implements room.Poster. It is safe for concurrent use.
type Poster struct {
	api *apigatewaymanagementapi.Client
}

var _ room.Poster = (*Poster)(nil)

// New returns a poster on the stage that api's endpoint names. It posts with a
// retryer of its own.
func New(api *apigatewaymanagementapi.Client) *Poster {
	return &Poster{api: apigatewaymanagementapi.New(api.Options(),
		func(o *apigatewaymanagementapi.Options) { o.Retryer = retryer() })}
}

// A post is tried up to attempts times. Pauses double from firstPause, so that
// all of them together stay below patience.
const (
	attempts   = 6
	firstPause = 100 * time.Millisecond
)

// retryer tries again after 429, which says that the account's rate is spent or
// that the client reads too slowly (API Gateway, PostToConnection), after 5xx
// and after failures of the network. It has no common budget, as the SDK's own
// has: with one, a few clogged clients would use up everybody's tries.
func retryer() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(pause)
		o.Retryables = append(o.Retryables,
			retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
	})
}

// pause is how long to wait after a failed attempt, counted from 1. The jitter
// of one half keeps a crowd that failed together from returning together, and
// the other half lets the pauses grow for everybody.
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

// PostAll implements room.Poster. Making a frame costs an RSA operation, so it
// runs on the workers, too.
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
