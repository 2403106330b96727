// Package storetest is the behavioural suite of room's stores. Every
// implementation passes it: the one in memory and the one on DynamoDB, with any
// engine behind it.
package storetest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
)

// Clock is a clock that tests advance.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// NewClock returns a clock that starts at the present.
func NewClock() *Clock { return &Clock{t: time.Now().Truncate(time.Millisecond)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// Run runs the suite. factory returns a store that reads the time from now. All
// stores may share tables, since every test uses new names.
func Run(t *testing.T, factory func(t *testing.T, now func() time.Time) room.Store) {
	for name, test := range map[string]func(*testing.T, room.Store, *Clock){
		"ConnectionIsRemoved":           connectionIsRemoved,
		"LateConnectChangesNothing":     lateConnectChangesNothing,
		"RemovalNeedsTheSession":        removalNeedsTheSession,
		"PropagatedOnlyRises":           propagatedOnlyRises,
		"ConnectionExpires":             connectionExpires,
		"BeginsAreCounted":              beginsAreCounted,
		"ChallengeNeedsAConnection":     challengeNeedsAConnection,
		"NonceIsSpentOnce":              nonceIsSpentOnce,
		"BindClaimsAName":               bindClaimsAName,
		"OneOfTwoClaimantsWins":         oneOfTwoClaimantsWins,
		"BindRotates":                   bindRotates,
		"AdmitCounts":                   admitCounts,
		"AdmitShowsWhenLastSeen":        admitShowsWhenLastSeen,
		"LinkAddsADevice":               linkAddsADevice,
		"LinkNeedsAnActiveDevice":       linkNeedsAnActiveDevice,
		"RevokedDeviceDoesNothing":      revokedDeviceDoesNothing,
		"OneOfTwoRevokersWins":          oneOfTwoRevokersWins,
		"ReplaceKeyGoesUpByOne":         replaceKeyGoesUpByOne,
		"RoomIsCreatedOnce":             roomIsCreatedOnce,
		"MembersAreAddedAndRemoved":     membersAreAddedAndRemoved,
		"ClosedRoomIsCreatedOnce":       closedRoomIsCreatedOnce,
		"MembersOfAClosedRoomChange":    membersOfAClosedRoomChange,
		"InvitationEnds":                invitationEnds,
		"RemovalHidesListeners":         removalHidesListeners,
		"ListenersAreAddedAndRemoved":   listenersAreAddedAndRemoved,
		"NewerListenerKeyStays":         newerListenerKeyStays,
		"ListenersInARange":             listenersInARange,
		"LogIsRead":                     logIsRead,
		"SeqIsTakenOnce":                seqIsTakenOnce,
		"IDIsTakenOnce":                 idIsTakenOnce,
		"CeilingRisesWithTheAppend":     ceilingRisesWithTheAppend,
		"ContendedAppendsLeaveNoGap":    contendedAppendsLeaveNoGap,
		"RepeatIsMarkedOnce":            repeatIsMarkedOnce,
		"WelcomeIsMarked":               welcomeIsMarked,
		"SpendDrawsFromBuckets":         spendDrawsFromBuckets,
		"SpendTakesAllOrNothing":        spendTakesAllOrNothing,
		"OptionalDrawsAreLeftOut":       optionalDrawsAreLeftOut,
		"SpendsAtOnceAllCount":          spendsAtOnceAllCount,
		"EpochsAreSeparate":             epochsAreSeparate,
		"LargeEntriesComeBackUnchanged": largeEntriesComeBackUnchanged,
	} {
		t.Run(name, func(t *testing.T) {
			clock := NewClock()
			test(t, factory(t, clock.Now), clock)
		})
	}
}

// fresh returns a new name, so that tests can share tables.
func fresh[T ~string](prefix string) T {
	return T(prefix + "-" + strings.ToLower(rand.Text()[:16]))
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func want(t *testing.T, got, target error) {
	t.Helper()
	if !errors.Is(got, target) {
		t.Fatalf("got error %v, want %v", got, target)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func device(user chat.User) room.Device {
	key := make([]byte, 32)
	rand.Read(key)
	return room.Device{
		ID:         fresh[chat.Device]("device"),
		User:       user,
		Key:        key,
		Gen:        1,
		Propagated: 1,
		Enc:        bytes.Repeat([]byte{7}, 256),
		AddedAt:    time.Now().Truncate(time.Millisecond),
	}
}

// bind opens a connection and binds it to a device.
func bind(t *testing.T, s room.Store, clock *Clock, d room.Device, isNew bool) chat.Connection {
	t.Helper()
	id := fresh[chat.Connection]("connection")
	ok(t, s.OpenConnection(t.Context(), id, clock.Now()))
	ok(t, s.OpenChallenge(t.Context(), id, d.User, "nonce", clock.Now().Add(time.Minute)))
	ok(t, s.Bind(t.Context(), binding(id, clock, d, isNew)))
	return id
}

func binding(id chat.Connection, clock *Clock, d room.Device, isNew bool) room.Binding {
	return room.Binding{
		Connection:  id,
		ConnectedAt: clock.Now(),
		Nonce:       "nonce",
		ProofHash:   "hash",
		Session:     chat.NewSession(),
		User:        d.User,
		Device:      d,
		NewUser:     isNew,
		ReplacesGen: d.Gen,
		ToService:   []byte("to-service"),
		ToClient:    []byte("to-client"),
	}
}

func entry(name chat.Room, epoch chat.Epoch, seq chat.Seq, at time.Time) *room.Entry {
	return &room.Entry{
		Room:      name,
		Epoch:     epoch,
		Seq:       seq,
		ID:        fresh[chat.MessageID]("id"),
		User:      "ada",
		Device:    "device",
		SenderKey: bytes.Repeat([]byte{1}, 32),
		StoredAt:  at,
		Expires:   at.Add(time.Hour).Truncate(time.Second),
		DataKey:   "key",
		Sealed:    []byte(fmt.Sprintf("sealed %d", seq)),
	}
}
