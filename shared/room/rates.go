package room

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Rate names a row with the token buckets of one user, device, room, connection
// or address.
type Rate string

func userRate(user chat.User) Rate { return Rate("user#" + user) }
func roomRate(room chat.Room) Rate { return Rate("room#" + room) }
func connectionRate(id chat.Connection) Rate {
	return Rate("connection#" + id)
}
func deviceRate(user chat.User, device chat.Device) Rate {
	return Rate("device#" + string(user) + "#" + string(device))
}

// Draw takes tokens out of one bucket. A bucket is a time: the one at which it
// will be full again (the generic cell rate algorithm, with that time as the
// theoretical arrival time). A draw moves it Cost later, from the present if it
// has passed.
type Draw struct {
	Bucket string
	Cost   time.Duration // the tokens' number times the time in which one comes back
	Most   time.Duration // how far ahead of the present the time may get: the burst
	// Optional leaves the bucket as it is if it has too few tokens, where
	// another draw would refuse the whole.
	Optional bool
}

// Rates stores token buckets.
type Rates interface {
	// Spend draws from buckets of one row, from all or none. It returns for
	// each draw the time at which the bucket will be full again, and the zero
	// time for an optional draw that was left out. It is one conditional write
	// to an idle row, two to a busy one. Errors: ErrThrottled; ErrBusy if
	// others spend from the same row so often that every attempt was too late.
	Spend(ctx context.Context, rate Rate, now time.Time, draws ...Draw) ([]time.Time, error)
}

// The buckets of the rows.
const (
	bucketUnits       = "units"       // of a user: what all frames cost
	bucketSteady      = "steady"      // of a user: messages that are no flood
	bucketInvitations = "invitations" // of a user: to closed rooms
	bucketHandshakes  = "handshakes"  // of a device
	bucketTurns       = "turns"       // of a room: when the next message may be appended
	bucketFloods      = "floods"      // of a room: messages that are part of floods
	bucketStrangers   = "strangers"   // of a connection: refusals before the handshake
	bucketRefusals    = "refusals"    // of a connection: refusals after it

	bucketRegistrations = "registrations" // of an address: new names
)

// units is a draw of a frame's cost from a user's bucket.
func units(cost int) Draw {
	return Draw{
		Bucket: bucketUnits,
		Cost:   time.Duration(cost) * chat.UserInterval,
		Most:   chat.UserBurst * chat.UserInterval,
	}
}

// spend draws from buckets. Errors: chat.RateLimited.
func (s *Service) spend(ctx context.Context, rate Rate, draws ...Draw) ([]time.Time, error) {
	full, err := s.store.Spend(ctx, rate, s.now(), draws...)
	if errors.Is(err, ErrThrottled) {
		return nil, chat.RateLimited
	}
	if err != nil {
		return nil, fmt.Errorf("spend from the rate: %w", err)
	}
	return full, nil
}

// charge lets a user pay for a frame, at most half a burst, so that no frame is
// too dear for ever. Error: chat.RateLimited.
func (s *Service) charge(ctx context.Context, user chat.User, cost int) error {
	_, err := s.spend(ctx, userRate(user), units(min(cost, chat.UserBurst/2)))
	return err
}

// chargeSend lets a user pay for a message, and reports whether the user sends
// steadily. Otherwise the message is part of a flood, of which a room takes
// less. Every message counts, so a user who floods has no steady ones besides.
// Error: chat.RateLimited.
func (s *Service) chargeSend(ctx context.Context, user chat.User) (steady bool, err error) {
	now := s.now()
	full, err := s.spend(ctx, userRate(user), units(chat.CostSend), Draw{
		Bucket:   bucketSteady,
		Cost:     chat.SteadyInterval,
		Most:     (chat.SteadyBurst + chat.FloodMemory) * chat.SteadyInterval,
		Optional: true,
	})
	if err != nil {
		return false, err
	}
	return !full[1].IsZero() && !full[1].After(now.Add(chat.SteadyBurst*chat.SteadyInterval)), nil
}

// chargeInvitation lets a user pay for an invitation. Error: chat.RateLimited.
func (s *Service) chargeInvitation(ctx context.Context, user chat.User) error {
	_, err := s.spend(ctx, userRate(user), Draw{
		Bucket: bucketInvitations,
		Cost:   chat.InvitationInterval,
		Most:   chat.InvitationBurst * chat.InvitationInterval,
	})
	return err
}

// chargeNewName takes from a new name most of what it might send at once.
func (s *Service) chargeNewName(ctx context.Context, user chat.User) error {
	const part = chat.SteadyBurst - chat.SteadyStart
	_, err := s.spend(ctx, userRate(user), Draw{
		Bucket:   bucketSteady,
		Cost:     part * chat.SteadyInterval,
		Most:     chat.SteadyBurst * chat.SteadyInterval,
		Optional: true, // it was taken by a handshake that went no further
	})
	return err
}

// chargeRegistration lets a network pay for a new name. It does nothing if the
// network is unknown. Error: chat.RateLimited.
func (s *Service) chargeRegistration(ctx context.Context, network string) error {
	if network == "" || s.registrations == 0 {
		return nil
	}
	sum := sha256.Sum256([]byte("sotto address\n" + s.audience + "\n" + network))
	_, err := s.spend(ctx, Rate("address#"+base64.RawURLEncoding.EncodeToString(sum[:])), Draw{
		Bucket: bucketRegistrations,
		Cost:   time.Hour / time.Duration(s.registrations),
		Most:   time.Hour,
	})
	return err
}

// chargeHandshake lets a device pay for a handshake that writes a number of
// listeners, at most half a burst. Error: chat.RateLimited.
func (s *Service) chargeHandshake(ctx context.Context, user chat.User, device chat.Device, rows int) error {
	cost := min(chat.CostHandshake+rows*chat.CostRow, chat.HandshakeBurst/2)
	_, err := s.spend(ctx, deviceRate(user, device), Draw{
		Bucket: bucketHandshakes,
		Cost:   time.Duration(cost) * chat.HandshakeInterval,
		Most:   chat.HandshakeBurst * chat.HandshakeInterval,
	})
	return err
}

// turn waits until it is a message's turn to be appended to its room. Turns are
// chat.RoomInterval apart, so senders seldom race for a seq, and a sender who
// loses a race takes a later turn. Messages of floods get the turns that
// chat.FloodInterval leaves them and wait less. Errors: chat.RateLimited; that
// of ctx.
func (s *Service) turn(ctx context.Context, room chat.Room, steady bool) error {
	draws := []Draw{{Bucket: bucketTurns, Cost: chat.RoomInterval, Most: chat.RoomQueue}}
	if !steady {
		draws[0].Most = chat.FloodQueue
		draws = append(draws, Draw{
			Bucket: bucketFloods,
			Cost:   chat.FloodInterval,
			Most:   chat.FloodBurst * chat.FloodInterval,
		})
	}
	full, err := s.spend(ctx, roomRate(room), draws...)
	if err != nil {
		return err
	}
	return s.pause(ctx, full[0].Add(-chat.RoomInterval).Sub(s.now()))
}
