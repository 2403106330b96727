package room

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/shared/envelope"
)

// additional returns the data that is authenticated with an entry at rest, so
// that nobody can swap rows or change a row's sender, place or time. No field
// can contain the separator: names, thumbprints, base64url and ULIDs have none.
func additional(e *Entry) []byte {
	return []byte(strings.Join([]string{
		"sotto-entry-v1", string(e.Room), string(e.Epoch), strconv.FormatInt(int64(e.Seq), 10), string(e.ID),
		string(e.User), string(e.Device), strconv.FormatInt(e.StoredAt.UnixMilli(), 10),
	}, "|"))
}

// sealEntry encrypts a sender's token into the entry. The token is packed
// first, since two thirds of the write units of a message depend on its size.
func (s *Service) sealEntry(ctx context.Context, e *Entry, jws string) error {
	packed, err := envelope.PackSigned(jws)
	if err != nil {
		return fmt.Errorf("pack the token: %w", err)
	}
	e.DataKey, e.Sealed, err = s.keys.SealAtRest(ctx, packed, additional(e))
	if err != nil {
		return fmt.Errorf("seal the entry: %w", err)
	}
	return nil
}

// openEntry returns the sender's token of an entry. Error: ErrDamaged.
func (s *Service) openEntry(ctx context.Context, e *Entry) (string, error) {
	packed, err := s.keys.OpenAtRest(ctx, e.DataKey, e.Sealed, additional(e))
	if err != nil {
		return "", fmt.Errorf("open the entry: %w", err)
	}
	jws, err := envelope.UnpackSigned(packed)
	if err != nil {
		return "", fmt.Errorf("%w: unpack the token: %w", ErrDamaged, err)
	}
	return jws, nil
}
