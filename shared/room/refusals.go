package room

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
)

// limitedWeight is how many refusals a rate_limited counts as: a client that
// keeps sending after that costs more than one that makes mistakes.
const limitedWeight = 5

// Refused counts a refusal and reports whether it is one too many, so that the
// connection must be closed: chat.MaxStrangerRefusals before its handshake has
// completed, or chat.MaxRefusals afterwards. Refusals on a connection that is
// not on record do not count: it has ended, or is about to.
func (s *Service) Refused(ctx context.Context, c Call, refusal *chat.Error) (tooMany bool, err error) {
	conn, err := s.store.Connection(ctx, c.Connection)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the connection: %w", err)
	}
	draw := Draw{
		Bucket: bucketRefusals,
		Cost:   chat.RefusalInterval,
		Most:   chat.MaxRefusals * chat.RefusalInterval,
	}
	switch {
	case !conn.Bound():
		draw = Draw{
			Bucket: bucketStrangers,
			Cost:   chat.ConnectionLifetime,
			Most:   chat.MaxStrangerRefusals * chat.ConnectionLifetime,
		}
	case refusal == chat.RateLimited:
		draw.Cost *= limitedWeight
	}
	now := s.now()
	full, err := s.store.Spend(ctx, connectionRate(c.Connection), now, draw)
	if errors.Is(err, ErrThrottled) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("count the refusal: %w", err)
	}
	left := now.Add(draw.Most).Sub(full[0])
	return left < draw.Cost, nil // no token is left for another
}
