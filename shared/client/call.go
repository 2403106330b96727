package client

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// staleTries bounds how often one request is sealed again to a newer server
// key.
const staleTries = 3

// call sends a request until it is answered: again on the next connection when
// this one is lost, again after a while where the service asks for it, sealed
// anew where its key has changed. build makes the frame for a session; v takes
// the answer. It returns the session that was answered on.
func (c *Client) call(ctx context.Context, kind string, v any,
	build func(*session) (frame.Request, error)) (*session, error) {
	ctx, cancel := c.during(ctx)
	defer cancel()
	for again, stale := 0, 0; ; {
		s, err := c.session(ctx)
		if err != nil {
			return nil, err
		}
		r, err := build(s)
		if err != nil {
			return nil, err
		}
		err = ask(ctx, s.link, r, kind, v)
		wire, _ := errors.AsType[*wireError](err)
		switch {
		case err == nil:
			return s, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, errLost):
			// The next session may be answered on; that there is one is bounded
			// by back-off, and all of it by ctx.
		case wire != nil && wire.cause.Code() == chat.StaleServerKey.Code() && stale < staleTries:
			stale++
			keys, err := c.device.AcceptKeySet(wire.keySet)
			if err != nil {
				return nil, err
			}
			s.takeKeySet(keys)
		case wire != nil && wire.cause.Code() == chat.HandshakeRequired.Code() && again < tries:
			again++
			s.end(lost(err)) // the service forgot this connection
		case mayRetry(err) && again < tries:
			c.log.Info("a request is tried again", "action", r.Action, "err", err)
			if err := wait(ctx, c.timing.retry.delay(again)); err != nil {
				return nil, err
			}
			again++
		default:
			return nil, err
		}
	}
}
