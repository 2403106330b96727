package storetest

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

// challenged opens a connection with a challenge for d.
func challenged(t *testing.T, s room.Store, clock *Clock, d room.Device) chat.Connection {
	t.Helper()
	id := fresh[chat.Connection]("connection")
	ok(t, s.OpenConnection(t.Context(), id, clock.Now()))
	ok(t, s.OpenChallenge(t.Context(), id, d.User, "nonce", clock.Now().Add(time.Minute)))
	return id
}

// link binds a new connection to a new device that another device has linked.
func link(t *testing.T, s room.Store, clock *Clock, d room.Device, by chat.Device) error {
	t.Helper()
	id := challenged(t, s, clock, d)
	b := binding(id, clock, d, false)
	b.LinkedBy = by
	err := s.Bind(t.Context(), b)
	conn, read := s.Connection(t.Context(), id)
	ok(t, read)
	equal(t, "bound", conn.Bound(), err == nil)
	return err
}

// deviceOf returns another device of the same user.
func deviceOf(d room.Device) room.Device { return device(d.User) }

func linkAddsADevice(t *testing.T, s room.Store, clock *Clock) {
	first := device(fresh[chat.User]("user"))
	bind(t, s, clock, first, true)
	second, third := deviceOf(first), deviceOf(first)
	second.Gen = 3 // it rotated before it was linked
	ok(t, link(t, s, clock, second, first.ID))
	ok(t, link(t, s, clock, third, second.ID))

	found, err := s.Device(t.Context(), first.User, second.ID)
	ok(t, err)
	equal(t, "gen", found.Gen, 3)
	equal(t, "spread", found.Propagated, 3)
	equal(t, "key", bytes.Equal(found.Key, second.Key), true)
	equal(t, "added", found.AddedAt.UnixMilli(), second.AddedAt.UnixMilli())
	equal(t, "last seen", found.LastSeenAt.UnixMilli(), clock.Now().UnixMilli())
	owner, err := s.Owner(t.Context(), first.User)
	ok(t, err)
	equal(t, "owner", owner, first.ID)
	all, err := s.DevicesOf(t.Context(), first.User)
	ok(t, err)
	equal(t, "devices", len(all), 3)
	bind(t, s, clock, second, false)
}

func linkNeedsAnActiveDevice(t *testing.T, s room.Store, clock *Clock) {
	first := device(fresh[chat.User]("user"))
	nobody := device(fresh[chat.User]("nobody"))
	bind(t, s, clock, first, true)
	second, third := deviceOf(first), deviceOf(first)
	want(t, link(t, s, clock, third, "unknown"), room.ErrConflict)
	want(t, link(t, s, clock, nobody, first.ID), room.ErrConflict) // a device of another user
	ok(t, link(t, s, clock, second, first.ID))
	want(t, link(t, s, clock, second, first.ID), room.ErrConflict) // it is on record already
	ok(t, s.Revoke(t.Context(), first.User, second.ID, first.ID, clock.Now()))
	want(t, link(t, s, clock, third, second.ID), room.ErrConflict)
	want(t, link(t, s, clock, second, first.ID), room.ErrConflict) // a tombstone is for ever
	_, err := s.Device(t.Context(), first.User, third.ID)
	want(t, err, room.ErrNotFound)
	ok(t, link(t, s, clock, third, first.ID))
}

func revokedDeviceDoesNothing(t *testing.T, s room.Store, clock *Clock) {
	first := device(fresh[chat.User]("user"))
	bind(t, s, clock, first, true)
	second := deviceOf(first)
	ok(t, link(t, s, clock, second, first.ID))
	want(t, s.Revoke(t.Context(), first.User, "unknown", first.ID, clock.Now()), room.ErrNotFound)
	_, err := s.Device(t.Context(), first.User, "unknown")
	want(t, err, room.ErrNotFound)
	for range 2 {
		ok(t, s.Revoke(t.Context(), first.User, second.ID, first.ID, clock.Now()))
	}
	found, err := s.Admit(t.Context(), second.User, second.ID, clock.Now())
	ok(t, err)
	equal(t, "revoked", found.Revoked, true)
	next := second
	next.Gen, next.Enc = 2, bytes.Repeat([]byte{9}, 256)
	want(t, s.ReplaceKey(t.Context(), &next), room.ErrConflict)
	want(t, s.Bind(t.Context(), binding(challenged(t, s, clock, second), clock, second, false)), room.ErrConflict)
	want(t, s.Revoke(t.Context(), first.User, first.ID, second.ID, clock.Now()), room.ErrConflict)
	want(t, s.Revoke(t.Context(), first.User, first.ID, "unknown", clock.Now()), room.ErrConflict)
	all, err := s.DevicesOf(t.Context(), first.User)
	ok(t, err)
	for _, d := range all {
		equal(t, "revoked", d.Revoked, d.ID == second.ID)
	}
}

// oneOfTwoRevokersWins lets two devices revoke each other concurrently. If both
// succeeded, the name would be lost.
func oneOfTwoRevokersWins(t *testing.T, s room.Store, clock *Clock) {
	a := device(fresh[chat.User]("user"))
	bind(t, s, clock, a, true)
	b := deviceOf(a)
	ok(t, link(t, s, clock, b, a.ID))
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, pair := range [][2]chat.Device{{a.ID, b.ID}, {b.ID, a.ID}} {
		wg.Go(func() {
			for { // concurrent transactions cancel each other
				errs[i] = s.Revoke(t.Context(), a.User, pair[0], pair[1], clock.Now())
				if !errors.Is(errs[i], room.ErrBusy) {
					return
				}
			}
		})
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("got the errors %v and %v, want exactly one", errs[0], errs[1])
	}
	want(t, errors.Join(errs...), room.ErrConflict)
}

func admitShowsWhenLastSeen(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	bind(t, s, clock, d, true)
	clock.Advance(time.Minute)
	for range 2 {
		_, err := s.Admit(t.Context(), d.User, d.ID, clock.Now())
		ok(t, err)
	}
	found, err := s.Device(t.Context(), d.User, d.ID)
	ok(t, err)
	equal(t, "last seen", found.LastSeenAt.UnixMilli(), clock.Now().UnixMilli())
}
