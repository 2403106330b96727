// Package post posts frames to connections through API Gateway's @connections
// API: a bounded number at a time, with what the answers mean said in room's
// terms. It never logs or keeps what it posts.
package post

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

const (
	// Concurrency is how many posts of one fan-out are under way at a time, and
	// so how many idle connections the HTTP client should keep to the endpoint.
	Concurrency = 64
	// patience bounds one post with its retries: the SDK backs off on 429 and
	// 5xx, and a client that cannot be reached by then resumes by itself.
	patience = 5 * time.Second
)

// Poster implements room.Poster. It is safe for concurrent use.
type Poster struct {
	api *apigatewaymanagementapi.Client
}

var _ room.Poster = (*Poster)(nil)

// New returns a poster on the stage that api's endpoint names.
func New(api *apigatewaymanagementapi.Client) *Poster { return &Poster{api: api} }

// Post implements room.Poster.
func (p *Poster) Post(ctx context.Context, id chat.Connection, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	name := string(id)
	_, err := p.api.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &name, Data: data})
	if gone(err) {
		return room.ErrGone
	}
	if err != nil {
		return fmt.Errorf("post to the connection: %w", err)
	}
	return nil
}

// PostAll implements room.Poster. Making a frame costs an RSA operation, so it
// runs on the workers, too. outcome is called by one worker at a time.
func (p *Poster) PostAll(ctx context.Context, n int, connection func(int) chat.Connection, frame func(int) ([]byte, error), outcome func(int, error)) {
	next := make(chan int)
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range min(n, Concurrency) {
		workers.Go(func() {
			for i := range next {
				data, err := frame(i)
				if err == nil {
					err = p.Post(ctx, connection(i), data)
				}
				mu.Lock()
				outcome(i, err)
				mu.Unlock()
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
