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

// call sends a request until it is answered. It sends it again on the next
// connection if this one is lost, after a pause if the service asks for a
// retry, and sealed again if the server key has changed. build returns the
// frame for a session; the answer is decoded into v. call returns the session
// on which the answer came.
func (c *Client) call(ctx context.Context, kind string, v any,
	build func(*session) (frame.Request, error)) (*session, error) {
	ctx, cancel := c.during(ctx)
	defer cancel()
	for retries, stale := 0, 0; ; {
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
			// Send again on the next session. Back-off limits how often there
			// is a new one, and ctx limits the total time.
		case wire != nil && wire.cause.Code() == chat.StaleServerKey.Code() && stale < staleTries:
			stale++
			keys, err := c.device.AcceptKeySet(wire.keySet)
			if err != nil {
				return nil, err
			}
			s.updateKeySet(keys)
		case wire != nil && wire.cause.Code() == chat.HandshakeRequired.Code() && retries < tries:
			retries++
			s.end(lost(err)) // the service forgot this connection
		case mayRetry(err) && retries < tries:
			c.log.Info("retrying a request", "route", r.Action, "err", err)
			if err := wait(ctx, c.timing.retry.delay(retries)); err != nil {
				return nil, err
			}
			retries++
		default:
			return nil, err
		}
	}
}
