package keyring_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sotto-chat/sotto/shared/keyring"
)

// An instance whose role may not make keys asks another one for them.
func TestKeySetIsMadeByTheMaker(t *testing.T) {
	d := newDeployment()
	makers := 0
	k := keyring.New(d.store, refusingKMS{}, keyring.Options{
		Audience: audience,
		Now:      d.clock.Now,
		Maker: func(ctx context.Context) error {
			makers++
			return d.instance().Ensure(ctx)
		},
	})
	if got := d.keySet(t, k); got.Generation != 1 || makers != 1 {
		t.Errorf("got generation %d after %d calls of the maker, want 1 after 1", got.Generation, makers)
	}
	d.keySet(t, k)
	if makers != 1 {
		t.Errorf("got %d calls of the maker for a valid key set, want 1", makers)
	}
	d.clock.advance(keyring.DefaultKeySetLifetime)
	if got := d.keySet(t, k); got.Generation != 2 || makers != 2 {
		t.Errorf("got generation %d after %d calls of the maker, want 2 after 2", got.Generation, makers)
	}
}

func TestKeySetWithoutAMaker(t *testing.T) {
	d := newDeployment()
	k := keyring.New(d.store, refusingKMS{}, keyring.Options{Audience: audience, Now: d.clock.Now})
	if _, _, err := k.KeySet(t.Context()); !errors.Is(err, keyring.ErrNoKeySet) {
		t.Errorf("without keys: got error %v, want ErrNoKeySet", err)
	}
	d.keySet(t, d.instance())
	d.keySet(t, k)
	d.clock.advance(keyring.DefaultKeySetLifetime)
	if _, _, err := k.KeySet(t.Context()); !errors.Is(err, keyring.ErrNoKeySet) {
		t.Errorf("with an expired set: got error %v, want ErrNoKeySet", err)
	}
}

// A maker that fails has no effect while the stored set is valid.
func TestKeySetOutlivesAFailingMaker(t *testing.T) {
	d := newDeployment()
	failure := errors.New("no")
	k := keyring.New(d.store, refusingKMS{}, keyring.Options{
		Audience: audience,
		Now:      d.clock.Now,
		Maker:    func(context.Context) error { return failure },
	})
	if _, _, err := k.KeySet(t.Context()); !errors.Is(err, keyring.ErrNoKeySet) || !errors.Is(err, failure) {
		t.Errorf("without keys: got error %v, want ErrNoKeySet with the maker's error", err)
	}
	d.keySet(t, d.instance())
	d.clock.advance(keyring.DefaultKeySetLifetime - 1)
	if got := d.keySet(t, k); got.Generation != 1 {
		t.Errorf("just before the end: got generation %d, want 1", got.Generation)
	}
}

// Ensure writes nothing while the key set is valid, so that a caller who may
// only ask for missing keys cannot cause rotations.
func TestEnsureChangesNothingThatIsValid(t *testing.T) {
	d := newDeployment()
	first := d.keySet(t, d.instance())
	for range 40 {
		if err := d.instance().Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.keySet(t, d.instance()); got.Generation != 1 || got.kids() != first.kids() {
		t.Errorf("got generation %d with the keys %v, want 1 with %v", got.Generation, got.kids(), first.kids())
	}
}

// refusingKMS is the KMS of a role that may do nothing.
type refusingKMS struct{}

var errDenied = errors.New("AccessDeniedException")

func (refusingKMS) Encrypt(context.Context, []byte, keyring.EncryptionContext) ([]byte, error) {
	return nil, errDenied
}

func (refusingKMS) Decrypt(context.Context, []byte, keyring.EncryptionContext) ([]byte, error) {
	return nil, errDenied
}

func (refusingKMS) GenerateDataKey(context.Context, keyring.EncryptionContext) (plaintext, blob []byte, err error) {
	return nil, nil, errDenied
}
