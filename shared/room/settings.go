package room

import (
	"context"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/strict"
)

// settings are what members of a closed room know about it. They are encrypted
// at rest, since the database must not tell the name. They last longer than the
// data keys of messages.
type settings struct {
	Name    chat.RoomName    `json:"name"`
	History chat.HistoryRule `json:"history"`
}

// settingsPlace is the data that is authenticated with a room's settings, so
// that the settings of two rooms cannot be swapped.
func settingsPlace(meta *Meta) []byte {
	return []byte("sotto-room-v1|" + string(meta.Room) + "|" + string(meta.Epoch))
}

func (s *Service) sealSettings(ctx context.Context, meta *Meta, rules settings) error {
	plain, err := strict.Marshal(rules)
	if err != nil {
		return fmt.Errorf("encode the room's settings: %w", err)
	}
	meta.DataKey, meta.Settings, err = s.keys.SealLasting(ctx, plain, settingsPlace(meta))
	if err != nil {
		return fmt.Errorf("seal the room's settings: %w", err)
	}
	return nil
}

// openSettings decrypts a room's settings. Error: ErrDamaged.
func (s *Service) openSettings(ctx context.Context, meta *Meta) (settings, error) {
	var rules settings
	plain, err := s.keys.OpenAtRest(ctx, meta.DataKey, meta.Settings, settingsPlace(meta))
	if err != nil {
		return rules, fmt.Errorf("open the room's settings: %w", err)
	}
	if err := strict.Unmarshal(plain, &rules); err != nil {
		return rules, fmt.Errorf("%w: the room's settings: %w", ErrDamaged, err)
	}
	return rules, nil
}
