package storetest

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

func connectionIsRemoved(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	id := bind(t, s, clock, d, true)
	conn, err := s.Connection(t.Context(), id)
	ok(t, err)
	equal(t, "user", conn.User, d.User)
	equal(t, "device", conn.Device, d.ID)
	equal(t, "bound nonce", conn.BoundNonce, "nonce")
	equal(t, "open nonce", conn.Nonce, "")
	equal(t, "connected at", conn.ConnectedAt.UnixMilli(), clock.Now().UnixMilli())
	listed, err := s.ConnectionsOf(t.Context(), d.User)
	ok(t, err)
	equal(t, "connections", len(listed), 1)
	equal(t, "listed connection", listed[0].ID, id)
	equal(t, "listed device", listed[0].Device, d.ID)

	ok(t, s.RemoveConnection(t.Context(), conn))
	ok(t, s.RemoveConnection(t.Context(), conn))
	_, err = s.Connection(t.Context(), id)
	want(t, err, room.ErrNotFound)
	listed, err = s.ConnectionsOf(t.Context(), d.User)
	ok(t, err)
	equal(t, "connections", len(listed), 0)
}

func lateConnectChangesNothing(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	id := bind(t, s, clock, d, true)
	ok(t, s.OpenConnection(t.Context(), id, clock.Now().Add(time.Second)))
	conn, err := s.Connection(t.Context(), id)
	ok(t, err)
	equal(t, "bound", conn.Bound(), true)
	equal(t, "key to the service", string(conn.ToService), "to-service")
	equal(t, "key to the client", string(conn.ToClient), "to-client")
	listed, err := s.ConnectionsOf(t.Context(), d.User)
	ok(t, err)
	equal(t, "connections", len(listed), 1)
	equal(t, "key to the client in the list", string(listed[0].ToClient), "to-client")
}

func removalNeedsTheSession(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	id := fresh[chat.Connection]("connection")
	ok(t, s.OpenConnection(t.Context(), id, clock.Now()))
	before, err := s.Connection(t.Context(), id)
	ok(t, err)
	ok(t, s.OpenChallenge(t.Context(), id, d.User, "nonce", clock.Now().Add(time.Minute)))
	ok(t, s.Bind(t.Context(), binding(id, clock, d, true)))
	want(t, s.RemoveConnection(t.Context(), before), room.ErrConflict)
	now, err := s.Connection(t.Context(), id)
	ok(t, err)
	ok(t, s.RemoveConnection(t.Context(), now))
	ok(t, s.RemoveConnection(t.Context(), before))
}

func propagatedOnlyRises(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	bind(t, s, clock, d, true)
	for _, step := range []struct{ mark, want int64 }{{1, 1}, {3, 3}, {2, 3}} {
		ok(t, s.MarkPropagated(t.Context(), d.User, d.ID, step.mark))
		found, err := s.Device(t.Context(), d.User, d.ID)
		ok(t, err)
		equal(t, "spread", found.Propagated, step.want)
	}
}

func connectionExpires(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	id := bind(t, s, clock, d, true)
	clock.Advance(chat.ConnectionRowLifetime + 2*time.Second)
	_, err := s.Connection(t.Context(), id)
	want(t, err, room.ErrNotFound)
	listed, err := s.ConnectionsOf(t.Context(), d.User)
	ok(t, err)
	equal(t, "connections", len(listed), 0)
}

func beginsAreCounted(t *testing.T, s room.Store, clock *Clock) {
	id := fresh[chat.Connection]("connection")
	ok(t, s.OpenConnection(t.Context(), id, clock.Now()))
	until := clock.Now().Add(time.Minute)
	for range chat.MaxBegins {
		ok(t, s.OpenChallenge(t.Context(), id, "ada", "nonce", until))
	}
	want(t, s.OpenChallenge(t.Context(), id, "ada", "one more", until), room.ErrConflict)
	conn, err := s.Connection(t.Context(), id)
	ok(t, err)
	equal(t, "nonce", conn.Nonce, "nonce")
	equal(t, "claimed", conn.Claimed, "ada")
	equal(t, "expiry", conn.NonceExpires.UnixMilli(), until.UnixMilli())
	equal(t, "bound", conn.Bound(), false)
}

func challengeNeedsAConnection(t *testing.T, s room.Store, clock *Clock) {
	id := fresh[chat.Connection]("connection")
	want(t, s.OpenChallenge(t.Context(), id, "ada", "nonce", clock.Now()), room.ErrConflict)
	_, err := s.Connection(t.Context(), id)
	want(t, err, room.ErrNotFound)
	bound := bind(t, s, clock, device(fresh[chat.User]("user")), true)
	want(t, s.OpenChallenge(t.Context(), bound, "ada", "nonce", clock.Now()), room.ErrConflict)
}

func nonceIsSpentOnce(t *testing.T, s room.Store, clock *Clock) {
	id := fresh[chat.Connection]("connection")
	ok(t, s.OpenConnection(t.Context(), id, clock.Now()))
	ok(t, s.OpenChallenge(t.Context(), id, "ada", "nonce", clock.Now().Add(time.Minute)))
	ok(t, s.SpendNonce(t.Context(), id, "another"))
	conn, err := s.Connection(t.Context(), id)
	ok(t, err)
	equal(t, "nonce", conn.Nonce, "nonce")
	ok(t, s.SpendNonce(t.Context(), id, "nonce"))
	ok(t, s.SpendNonce(t.Context(), id, "nonce"))
	want(t, s.Bind(t.Context(), binding(id, clock, device(fresh[chat.User]("user")), true)), room.ErrConflict)
}

func bindClaimsAName(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	_, err := s.Owner(t.Context(), d.User)
	want(t, err, room.ErrNotFound)
	_, err = s.Device(t.Context(), d.User, d.ID)
	want(t, err, room.ErrNotFound)

	id := bind(t, s, clock, d, true)
	want(t, s.Bind(t.Context(), binding(id, clock, d, false)), room.ErrConflict) // it is bound already

	owner, err := s.Owner(t.Context(), d.User)
	ok(t, err)
	equal(t, "owner", owner, d.ID)
	found, err := s.Device(t.Context(), d.User, d.ID)
	ok(t, err)
	equal(t, "id", found.ID, d.ID)
	equal(t, "user", found.User, d.User)
	equal(t, "gen", found.Gen, 1)
	equal(t, "key", bytes.Equal(found.Key, d.Key), true)
	equal(t, "enc", bytes.Equal(found.Enc, d.Enc), true)
	equal(t, "added", found.AddedAt.UnixMilli(), d.AddedAt.UnixMilli())
	bind(t, s, clock, d, false) // a second connection of the same device
}

func oneOfTwoClaimantsWins(t *testing.T, s room.Store, clock *Clock) {
	user := fresh[chat.User]("user")
	const claimants = 6
	errs := make([]error, claimants)
	devices := make([]room.Device, claimants)
	var wg sync.WaitGroup
	for i := range claimants {
		devices[i] = device(user)
		id := fresh[chat.Connection]("connection")
		ok(t, s.OpenConnection(t.Context(), id, clock.Now()))
		ok(t, s.OpenChallenge(t.Context(), id, user, "nonce", clock.Now().Add(time.Minute)))
		wg.Go(func() { errs[i] = s.Bind(t.Context(), binding(id, clock, devices[i], true)) })
	}
	wg.Wait()
	owner, err := s.Owner(t.Context(), user)
	ok(t, err)
	for i, err := range errs {
		if devices[i].ID == owner {
			ok(t, err)
			continue
		}
		want(t, err, room.ErrConflict)
		_, err := s.Device(t.Context(), user, devices[i].ID)
		want(t, err, room.ErrNotFound)
	}
}

func bindRotates(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	bind(t, s, clock, d, true)
	next := d
	next.Gen, next.Enc = 2, bytes.Repeat([]byte{9}, 256)
	id := fresh[chat.Connection]("connection")
	ok(t, s.OpenConnection(t.Context(), id, clock.Now()))
	ok(t, s.OpenChallenge(t.Context(), id, d.User, "nonce", clock.Now().Add(time.Minute)))
	b := binding(id, clock, next, false)
	b.ReplacesGen = 5
	want(t, s.Bind(t.Context(), b), room.ErrConflict)
	b.ReplacesGen = 1
	ok(t, s.Bind(t.Context(), b))
	found, err := s.Device(t.Context(), d.User, d.ID)
	ok(t, err)
	equal(t, "gen", found.Gen, 2)
	equal(t, "enc", bytes.Equal(found.Enc, next.Enc), true)
}

func admitCounts(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	_, err := s.Admit(t.Context(), d.User, d.ID, clock.Now())
	want(t, err, room.ErrNotFound)
	bind(t, s, clock, d, true)
	for i := range chat.DeviceBurst {
		found, err := s.Admit(t.Context(), d.User, d.ID, clock.Now())
		if err != nil {
			t.Fatalf("call %d of %d: %v", i+1, chat.DeviceBurst, err)
		}
		equal(t, "gen", found.Gen, 1)
		equal(t, "key", bytes.Equal(found.Key, d.Key), true)
	}
	_, err = s.Admit(t.Context(), d.User, d.ID, clock.Now())
	want(t, err, room.ErrThrottled)
	clock.Advance(chat.DeviceInterval)
	_, err = s.Admit(t.Context(), d.User, d.ID, clock.Now())
	ok(t, err)
	_, err = s.Admit(t.Context(), d.User, d.ID, clock.Now())
	want(t, err, room.ErrThrottled)
	clock.Advance(2 * chat.DeviceBurst * chat.DeviceInterval)
	for range 2 { // an instance with a slow clock counts on
		_, err = s.Admit(t.Context(), d.User, d.ID, clock.Now())
		ok(t, err)
		_, err = s.Admit(t.Context(), d.User, d.ID, clock.Now().Add(-chat.DeviceInterval))
		ok(t, err)
	}
}

func replaceKeyGoesUpByOne(t *testing.T, s room.Store, clock *Clock) {
	d := device(fresh[chat.User]("user"))
	next := d
	next.Gen, next.Enc = 2, bytes.Repeat([]byte{9}, 256)
	want(t, s.ReplaceKey(t.Context(), &next), room.ErrConflict)
	bind(t, s, clock, d, true)
	third := next
	third.Gen = 3
	want(t, s.ReplaceKey(t.Context(), &third), room.ErrConflict)
	ok(t, s.ReplaceKey(t.Context(), &next))
	want(t, s.ReplaceKey(t.Context(), &next), room.ErrConflict)
	found, err := s.Device(t.Context(), d.User, d.ID)
	ok(t, err)
	equal(t, "gen", found.Gen, 2)
}

func welcomeIsMarked(t *testing.T, s room.Store, clock *Clock) {
	id := bind(t, s, clock, device(fresh[chat.User]("user")), true)
	c, err := s.Connection(t.Context(), id)
	ok(t, err)
	equal(t, "welcomed", c.Welcomed, false)
	want(t, s.MarkWelcomed(t.Context(), id, "another"), room.ErrConflict)
	ok(t, s.MarkWelcomed(t.Context(), id, c.Session))
	c, err = s.Connection(t.Context(), id)
	ok(t, err)
	equal(t, "welcomed", c.Welcomed, true)
	ok(t, s.RemoveConnection(t.Context(), c))
	want(t, s.MarkWelcomed(t.Context(), id, c.Session), room.ErrConflict)
}
