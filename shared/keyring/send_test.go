package keyring_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/keyring"
)

func TestOpenSendRefuses(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	active := d.keySet(t, k).active()
	good := seal(t, active, "hello")
	welcome, err := envelope.Seal(active, envelope.TypeWelcome, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"nothing":      "",
		"another type": welcome,
		"altered":      good[:len(good)-8] + "AAAAAAAA",
		"cut":          good[:len(good)-1],
	} {
		if got, kid, err := k.OpenSend(t.Context(), token); !errors.Is(err, envelope.ErrEnvelope) ||
			got != nil || kid != "" {
			t.Errorf("%s: opened %q under %q, %v; want ErrEnvelope", name, got, kid, err)
		}
	}
}

// Before there are keys, nothing is accepted and nothing is made.
func TestOpenSendOnEmptyStore(t *testing.T) {
	d := newDeployment()
	wantStale(t, d.instance(), strangerKey())
	if n := len(d.records(t, keyring.KindServer)); n != 0 {
		t.Errorf("%d keys were made", n)
	}
}

var strangerKey = sync.OnceValue(func() *envelope.EncryptionKey {
	key, err := envelope.GenerateDecryptionKey(2048)
	if err != nil {
		panic(err)
	}
	return key.Public()
})

// Made-up kids cost one reading in ten seconds, and no more.
func TestUnknownKeysAreReadForRarely(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	d.keySet(t, k)
	for round := range 3 {
		lists := d.store.lists.Load()
		for range 5 {
			wantStale(t, k, strangerKey())
		}
		if n := d.store.lists.Load() - lists; n != 1 {
			t.Errorf("round %d: %d listings, want 1", round, n)
		}
		d.clock.advance(10 * time.Second)
	}
}

// An instance that has not read a rotation finds the new key at its first
// use.
func TestKeyOfARotationElsewhere(t *testing.T) {
	d := newDeployment()
	a, b := d.instance(), d.instance()
	d.keySet(t, a)
	d.keySet(t, b)
	rotate(t, a)
	fresh := d.keySet(t, a).active()
	wantOpens(t, b, fresh)
}

// Where made-up kids, or another rotation, used up the reading, a rotation is
// found all the same: refusals by one instance after another would use up the
// client's tries.
func TestRotationsBetweenReadingsAreFound(t *testing.T) {
	d := newDeployment()
	a, b := d.instance(), d.instance()
	d.keySet(t, a)
	d.keySet(t, b)
	wantStale(t, b, strangerKey())
	for range 2 {
		rotate(t, a)
		wantOpens(t, b, d.keySet(t, a).active())
	}
}

// A key destroyed elsewhere is refused after a few minutes even by an instance
// that never meets an unknown kid.
func TestDestructionReachesIdleInstances(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	set := d.keySet(t, k)
	wantOpens(t, k, set.active())
	if err := d.store.Delete(t.Context(), keyring.KindServer, "1"); err != nil {
		t.Fatal(err)
	}
	if err := d.store.Delete(t.Context(), keyring.KindKeySet, "current"); err != nil {
		t.Fatal(err)
	}
	wantOpens(t, k, set.active())
	d.clock.advance(5 * time.Minute)
	wantStale(t, k, set.active())
}

func TestPrivateKeysAreUnwrappedOnce(t *testing.T) {
	d := newDeployment()
	active := d.keySet(t, d.instance()).active()
	k := d.instance()
	unwrapped := d.kms.decrypts.Load()
	token := seal(t, active, "hello")
	together(20, func(wait func()) { d.kms.hold = wait }, func() {
		if _, _, err := k.OpenSend(t.Context(), token); err != nil {
			t.Error(err)
		}
	})
	if n := d.kms.decrypts.Load() - unwrapped; n != 1 {
		t.Errorf("unwrapped %d times, want once", n)
	}
}

// A failure of KMS is not remembered, and is no fault of the token.
func TestFailedUnwrappingIsTriedAgain(t *testing.T) {
	d := newDeployment()
	active := d.keySet(t, d.instance()).active()
	k := d.instance()
	if err := k.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := k.OpenSend(ended, seal(t, active, "hello"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, envelope.ErrEnvelope) ||
		errors.Is(err, keyring.ErrStaleKey) {
		t.Errorf("opened under an ended context: %v", err)
	}
	wantOpens(t, k, active)
}
