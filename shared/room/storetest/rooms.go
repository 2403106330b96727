package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

func roomIsCreatedOnce(t *testing.T, s room.Store, clock *Clock) {
	name := fresh[chat.Room]("room")
	_, err := s.Room(t.Context(), name)
	want(t, err, room.ErrNotFound)
	first, err := s.CreateRoom(t.Context(), &room.Meta{Room: name, Epoch: "epoch-1"}, clock.Now())
	ok(t, err)
	again, err := s.CreateRoom(t.Context(), &room.Meta{Room: name, Epoch: "epoch-2"}, clock.Now())
	ok(t, err)
	found, err := s.Room(t.Context(), name)
	ok(t, err)
	for _, meta := range []*room.Meta{first, again, found} {
		if want := (&room.Meta{Room: name, Epoch: "epoch-1"}); !reflect.DeepEqual(meta, want) {
			t.Fatalf("got the room %+v, want %+v", meta, want)
		}
	}
}

func membersAreAddedAndRemoved(t *testing.T, s room.Store, clock *Clock) {
	user := fresh[chat.User]("user")
	a, b := fresh[chat.Room]("a"), fresh[chat.Room]("b")
	for _, name := range []chat.Room{b, a, b} {
		ok(t, s.AddMember(t.Context(), name, user, clock.Now()))
	}
	rooms, err := s.RoomsOf(t.Context(), user)
	ok(t, err)
	if !slices.Equal(rooms, []chat.Room{a, b}) {
		t.Fatalf("got the rooms %v", rooms)
	}
	is, err := s.IsMember(t.Context(), a, user)
	ok(t, err)
	equal(t, "member", is, true)
	ok(t, s.RemoveMember(t.Context(), a, user))
	ok(t, s.RemoveMember(t.Context(), a, user))
	is, err = s.IsMember(t.Context(), a, user)
	ok(t, err)
	equal(t, "member", is, false)
	rooms, err = s.RoomsOf(t.Context(), user)
	ok(t, err)
	equal(t, "rooms", len(rooms), 1)
}

func listener(clock *Clock, gen int64) room.Listener {
	return room.Listener{
		Connection:  fresh[chat.Connection]("connection"),
		ConnectedAt: clock.Now(),
		User:        "ada",
		Device:      "device",
		Gen:         gen,
		Enc:         bytes.Repeat([]byte{byte(gen)}, 256),
		ToClient:    []byte("to-client"),
	}
}

func listenersAreAddedAndRemoved(t *testing.T, s room.Store, clock *Clock) {
	name := fresh[chat.Room]("room")
	a, b := listener(clock, 1), listener(clock, 1)
	ok(t, s.AddListener(t.Context(), name, a))
	ok(t, s.AddListener(t.Context(), name, b))
	ok(t, s.RemoveListener(t.Context(), name, a.Connection))
	ok(t, s.RemoveListener(t.Context(), name, a.Connection))
	found, err := s.Listeners(t.Context(), name)
	ok(t, err)
	equal(t, "listeners", len(found), 1)
	equal(t, "connection", found[0].Connection, b.Connection)
	equal(t, "connected at", found[0].ConnectedAt.UnixMilli(), b.ConnectedAt.UnixMilli())
	equal(t, "enc", bytes.Equal(found[0].Enc, b.Enc), true)
	equal(t, "key to the client", string(found[0].ToClient), "to-client")
	clock.Advance(chat.ConnectionRowLifetime + 2*time.Second)
	found, err = s.Listeners(t.Context(), name)
	ok(t, err)
	equal(t, "listeners after their time", len(found), 0)
}

func newerListenerKeyStays(t *testing.T, s room.Store, clock *Clock) {
	name := fresh[chat.Room]("room")
	newer := listener(clock, 2)
	older := newer
	older.Gen, older.Enc = 1, bytes.Repeat([]byte{1}, 256)
	ok(t, s.AddListener(t.Context(), name, older))
	ok(t, s.AddListener(t.Context(), name, newer))
	ok(t, s.AddListener(t.Context(), name, older))
	found, err := s.Listeners(t.Context(), name)
	ok(t, err)
	equal(t, "listeners", len(found), 1)
	equal(t, "gen", found[0].Gen, 2)
	equal(t, "enc", bytes.Equal(found[0].Enc, newer.Enc), true)
}

func listenersInARange(t *testing.T, s room.Store, clock *Clock) {
	name, other := fresh[chat.Room]("room"), fresh[chat.Room]("room")
	for _, id := range []chat.Connection{"b=", "D=", "a=", "-=", "c=", "Zz="} { // in no order
		l := listener(clock, 1)
		l.Connection = id
		ok(t, s.AddListener(t.Context(), name, l))
		ok(t, s.AddListener(t.Context(), other, l))
	}
	ok(t, s.RemoveListener(t.Context(), name, "a="))
	ids := func(found []room.Listener, err error) string {
		t.Helper()
		ok(t, err)
		var all []string
		for _, l := range found {
			all = append(all, string(l.Connection))
		}
		return strings.Join(all, " ")
	}
	equal(t, "all", ids(s.Listeners(t.Context(), name)), "-= D= Zz= b= c=")
	for _, r := range []struct {
		first, last chat.Connection
		want        string
	}{
		{"D=", "b=", "D= Zz= b="}, {"a=", "c=", "b= c="}, {"c=", "c=", "c="}, {"a=", "a=", ""},
		{"d", "z", ""}, {"c=", "b=", ""},
	} {
		equal(t, "from "+string(r.first)+" to "+string(r.last),
			ids(s.ListenersIn(t.Context(), name, r.first, r.last)), r.want)
	}
	for n, want := range map[int]string{1: "-=", 4: "-= D= Zz= b=", 5: "-= D= Zz= b= c=", 6: "-= D= Zz= b= c="} {
		found, more, err := s.FirstListeners(t.Context(), name, n)
		equal(t, fmt.Sprintf("the first %d", n), ids(found, err), want)
		equal(t, fmt.Sprintf("more than %d", n), more, n < 5)
	}
	clock.Advance(chat.ConnectionRowLifetime + 2*time.Second)
	first, _, err := s.FirstListeners(t.Context(), name, 3)
	equal(t, "the first after their time", ids(first, err), "")
	equal(t, "after their time", ids(s.ListenersIn(t.Context(), name, "D=", "b=")), "")
}

// newRoom creates a room with a new epoch.
func newRoom(t *testing.T, s room.Store, clock *Clock) (chat.Room, chat.Epoch) {
	t.Helper()
	created := &room.Meta{Room: fresh[chat.Room]("room"), Epoch: chat.NewEpoch()}
	meta, err := s.CreateRoom(t.Context(), created, clock.Now())
	ok(t, err)
	return meta.Room, meta.Epoch
}

func logIsRead(t *testing.T, s room.Store, clock *Clock) {
	name, epoch := newRoom(t, s, clock)
	tail, err := s.Tail(t.Context(), name, epoch)
	ok(t, err)
	equal(t, "tail of an empty log", tail.Seq, 0)
	first, err := s.First(t.Context(), name, epoch)
	ok(t, err)
	equal(t, "first of an empty log", first, 0)

	var entries []*room.Entry
	for seq := chat.Seq(3); seq <= 14; seq++ {
		e := entry(name, epoch, seq, clock.Now())
		entries = append(entries, e)
		ok(t, s.Append(t.Context(), e, 0, nil))
		clock.Advance(time.Second)
	}
	tail, err = s.Tail(t.Context(), name, epoch)
	ok(t, err)
	equal(t, "tail", tail.Seq, 14)
	if at := tail.Expires; at.Before(entries[11].Expires) || at.After(entries[11].Expires.Add(2*time.Second)) {
		t.Fatalf("got the expiry %v of the tail, want %v", at, entries[11].Expires)
	}
	first, err = s.First(t.Context(), name, epoch)
	ok(t, err)
	equal(t, "first", first, 3)
	page, err := s.Read(t.Context(), name, epoch, 8, 4)
	ok(t, err)
	equal(t, "page", len(page), 4)
	for i, e := range page {
		equal(t, "seq", e.Seq, chat.Seq(9+i))
		same(t, &e, entries[6+i])
	}
	times, err := s.Times(t.Context(), name, epoch, 5)
	ok(t, err)
	equal(t, "stored at", times.StoredAt.UnixMilli(), entries[2].StoredAt.UnixMilli())
	if d := times.Expires.Sub(entries[2].Expires); d < 0 || d > 2*time.Second {
		t.Fatalf("got the expiry %v, want %v", times.Expires, entries[2].Expires)
	}
	_, err = s.Times(t.Context(), name, epoch, 2)
	want(t, err, room.ErrNotFound)
	_, err = s.Entry(t.Context(), name, epoch, 15)
	want(t, err, room.ErrNotFound)
	page, err = s.Read(t.Context(), name, epoch, 14, 4)
	ok(t, err)
	equal(t, "page behind the end", len(page), 0)
}

func same(t *testing.T, got, want *room.Entry) {
	t.Helper()
	if got.Room != want.Room || got.Epoch != want.Epoch || got.Seq != want.Seq || got.ID != want.ID ||
		got.User != want.User ||
		got.Device != want.Device || !bytes.Equal(got.SenderKey, want.SenderKey) ||
		!got.StoredAt.Equal(want.StoredAt) ||
		got.DataKey != want.DataKey || !bytes.Equal(got.Sealed, want.Sealed) {
		t.Fatalf("got entry %+v, want %+v", got, want)
	}
}

func seqIsTakenOnce(t *testing.T, s room.Store, clock *Clock) {
	name, epoch := newRoom(t, s, clock)
	ok(t, s.Append(t.Context(), entry(name, epoch, 1, clock.Now()), 0, nil))
	second := entry(name, epoch, 1, clock.Now())
	want(t, s.Append(t.Context(), second, 0, nil), room.ErrConflict)
	second.Seq = 2 // the failed append has not stored the id
	ok(t, s.Append(t.Context(), second, 0, nil))
}

func idIsTakenOnce(t *testing.T, s room.Store, clock *Clock) {
	name, epoch := newRoom(t, s, clock)
	e := entry(name, epoch, 1, clock.Now())
	ok(t, s.Append(t.Context(), e, 0, nil))
	for _, seq := range []chat.Seq{1, 2} { // the seq is taken or free
		again := *e
		again.Seq = seq
		var there *room.DuplicateError
		if err := s.Append(t.Context(), &again, 0, nil); !errors.As(err, &there) {
			t.Fatalf("a repeat got error %v, want the first seq and time", err)
		}
		equal(t, "seq of the first", there.Seq, 1)
		equal(t, "time of the first", there.StoredAt.UnixMilli(), e.StoredAt.UnixMilli())
	}
	another := *e
	another.Seq, another.Device = 2, "another"
	ok(t, s.Append(t.Context(), &another, 0, nil)) // the same id of another device is another message
}

func ceilingRisesWithTheAppend(t *testing.T, s room.Store, clock *Clock) {
	name, epoch := newRoom(t, s, clock)
	ok(t, s.Append(t.Context(), entry(name, epoch, 1, clock.Now()), 64, nil))
	want(t, s.Append(t.Context(), entry(name, epoch, 1, clock.Now()), 128, nil), room.ErrConflict)
	meta, err := s.Room(t.Context(), name)
	ok(t, err)
	equal(t, "ceiling", meta.Ceiling, 64)
	want(t, s.Append(t.Context(), entry(name, epoch, 2, clock.Now()), 64, nil), room.ErrConflict)
	want(t, s.Append(t.Context(), entry(name, "another", 2, clock.Now()), 70, nil), room.ErrConflict)
	ok(t, s.Append(t.Context(), entry(name, epoch, 2, clock.Now()), 65, nil))
}

func contendedAppendsLeaveNoGap(t *testing.T, s room.Store, clock *Clock) {
	name, epoch := newRoom(t, s, clock)
	const writers, each = 8, 5
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				for {
					tail, err := s.Tail(t.Context(), name, epoch)
					if err != nil {
						t.Error(err)
						return
					}
					err = s.Append(t.Context(), entry(name, epoch, tail.Seq+1, clock.Now()), 0, nil)
					if err == nil {
						break
					}
					if !errors.Is(err, room.ErrConflict) && !errors.Is(err, room.ErrBusy) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	page, err := s.Read(t.Context(), name, epoch, 0, writers*each+1)
	ok(t, err)
	equal(t, "entries", len(page), writers*each)
	for i, e := range page {
		equal(t, "seq", e.Seq, chat.Seq(i+1))
	}
}

func epochsAreSeparate(t *testing.T, s room.Store, clock *Clock) {
	name := fresh[chat.Room]("room")
	ok(t, s.Append(t.Context(), entry(name, "one", 1, clock.Now()), 0, nil))
	ok(t, s.Append(t.Context(), entry(name, "two", 1, clock.Now()), 0, nil))
	page, err := s.Read(t.Context(), name, "one", 0, 10)
	ok(t, err)
	equal(t, "entries of one epoch", len(page), 1)
}

func largeEntriesComeBackUnchanged(t *testing.T, s room.Store, clock *Clock) {
	name, epoch := newRoom(t, s, clock)
	e := entry(name, epoch, 1, clock.Now())
	e.Sealed = bytes.Repeat([]byte{0, 255, 13}, 8000)
	ok(t, s.Append(t.Context(), e, 0, nil))
	found, err := s.Entry(t.Context(), name, epoch, 1)
	ok(t, err)
	same(t, found, e)
}

func repeatIsMarkedOnce(t *testing.T, s room.Store, clock *Clock) {
	name, epoch := newRoom(t, s, clock)
	e := entry(name, epoch, 1, clock.Now())
	_, err := s.MarkRepeated(t.Context(), e)
	want(t, err, room.ErrNotFound)
	ok(t, s.Append(t.Context(), e, 0, nil))
	for _, expected := range []bool{true, false, false} {
		first, err := s.MarkRepeated(t.Context(), e)
		ok(t, err)
		equal(t, "first", first, expected)
	}
	again := *e
	again.Seq = 2
	var there *room.DuplicateError
	if err := s.Append(t.Context(), &again, 0, nil); !errors.As(err, &there) || there.Seq != 1 {
		t.Fatalf("after the mark a repeat got error %v, want the first seq", err)
	}
}
