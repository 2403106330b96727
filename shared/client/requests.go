package client

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Ack confirms that a message is stored, and names its place in the log.
type Ack struct {
	Room     chat.Room
	Epoch    chat.Epoch
	Seq      chat.Seq
	ID       chat.MessageID
	StoredAt time.Time // by the service's clock, in milliseconds
	// Duplicate means that an earlier attempt to send this message was stored.
	Duplicate bool
}

// Send sends a text and returns when the service has stored it. Until then it
// sends it again under the same id, on a new connection if necessary, so the
// text is stored at most once. If ctx ends first, the text may or may not be
// stored.
//
// Errors: chat.BodyTooLarge above 16 KiB; chat.FrameTooLarge if the text does
// not fit into a frame once encrypted; chat.BadFrame if it is not UTF-8;
// chat.NotAMember; chat.RateLimited and other temporary errors after half a
// minute of retries.
func (c *Client) Send(ctx context.Context, room chat.Room, text string) (Ack, error) {
	if err := room.Check(); err != nil {
		return Ack{}, err
	}
	if len(text) > chat.MaxBody {
		return Ack{}, chat.BodyTooLarge
	}
	if !utf8.ValidString(text) {
		return Ack{}, chat.BadFrame
	}
	id := device.NewMessageID()
	// Sealed once per session and server key, so that a retry needs no
	// cryptography.
	var sealed frame.Request
	var sealedOn *session
	var sealedTo *device.KeySet
	var f frame.Ack
	_, err := c.call(ctx, frame.TypeAck, &f, func(s *session) (frame.Request, error) {
		keys := s.keySet()
		if s == sealedOn && keys == sealedTo {
			return sealed, nil
		}
		jwe, err := c.device.SealMessage(s.sid, keys, room, id, text)
		if err != nil {
			return frame.Request{}, wrap("seal the message", err)
		}
		sealed, sealedOn, sealedTo = frame.Request{Action: frame.ActionSendMessage, JWE: jwe}, s, keys
		return sealed, nil
	})
	if err != nil {
		return Ack{}, err
	}
	if f.ID != id || f.Room != room {
		return Ack{}, wrap("read the ack", device.ErrProtocol)
	}
	return Ack{
		Room:      f.Room,
		Epoch:     f.Epoch,
		Seq:       f.Seq,
		ID:        f.ID,
		StoredAt:  time.UnixMilli(f.StoredAt),
		Duplicate: f.Duplicate,
	}, nil
}

// Join makes the user a member of an open room that exists, and returns the
// state of its log. Joining again has no effect. Errors: chat.RoomInvalid,
// chat.TooManyRooms.
func (c *Client) Join(ctx context.Context, room chat.Room) (frame.RoomState, error) {
	if err := room.Check(); err != nil {
		return frame.RoomState{}, err
	}
	var f frame.Joined
	_, err := c.call(ctx, frame.TypeJoined, &f, func(*session) (frame.Request, error) {
		return frame.Request{Action: frame.ActionJoinRoom, Room: room}, nil
	})
	if err != nil {
		return frame.RoomState{}, err
	}
	if f.Room != room {
		return frame.RoomState{}, wrap("join the room", device.ErrProtocol)
	}
	c.entered(f.RoomState)
	return f.RoomState, nil
}

// Leave ends the user's membership and the client's subscriptions to the room.
// Errors: chat.RoomInvalid, also for the lobby, which cannot be left;
// chat.NotAllowed for the last owner of a closed room that has other members.
func (c *Client) Leave(ctx context.Context, room chat.Room) error {
	if err := room.Check(); err != nil {
		return err
	}
	var err error
	if room.IsClosed() {
		_, err = c.operate(ctx, frame.RoomClaims{Op: frame.OpLeave, Room: room})
	} else {
		var f frame.Left
		_, err = c.call(ctx, frame.TypeLeft, &f, func(*session) (frame.Request, error) {
			return frame.Request{Action: frame.ActionLeaveRoom, Room: room}, nil
		})
	}
	if err != nil {
		return err
	}
	c.left(room)
	return nil
}

// Rooms lists the rooms that the user is in, sorted by name, with the last
// known state of each. It does not include what another device of the user has
// joined or left since this client connected.
func (c *Client) Rooms(ctx context.Context) ([]frame.RoomState, error) {
	ctx, cancel := c.during(ctx)
	defer cancel()
	if _, err := c.session(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rooms := make([]frame.RoomState, 0, len(c.rooms))
	for _, state := range c.rooms {
		rooms = append(rooms, state)
	}
	slices.SortFunc(rooms, func(a, b frame.RoomState) int { return strings.Compare(string(a.Room), string(b.Room)) })
	return rooms, nil
}

// Rotate replaces the device's encryption key and returns the new generation.
// The new private key is stored in the profile before it is sent to the
// service, so the next connection completes an interrupted rotation. When
// Rotate returns, the service seals everything to the new key.
func (c *Client) Rotate(ctx context.Context) (int64, error) {
	gen, err := c.device.PrepareRotation()
	if err != nil {
		return 0, wrap("prepare the rotation", err)
	}
	var f frame.Rotated
	s, err := c.call(ctx, frame.TypeRotated, &f, func(s *session) (frame.Request, error) {
		proof, err := c.device.ProveRotation(s.sid)
		return frame.Request{Action: frame.ActionRotateKey, Proof: proof}, err
	})
	if err != nil {
		return 0, wrap("rotate the key", err)
	}
	plain, err := c.device.OpenRotated(f, s.sid)
	if err != nil {
		return 0, err
	}
	if plain.Gen < gen {
		return 0, wrap("rotate the key", device.ErrProtocol)
	}
	return plain.Gen, nil
}
