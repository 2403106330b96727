package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
)

var errCrash = errors.New("the process died here")

// dying passes steps, writes and KMS calls, until the one numbered dieAt; that
// one and all later ones fail. With after, the step takes place and only its
// answer is lost.
type dying struct {
	keyring.Store
	kms   keyring.KMS
	dieAt int64
	after bool
	step  atomic.Int64
}

func (d *dying) try(act func() error) error {
	switch n := d.step.Add(1); {
	case n < d.dieAt:
		return act()
	case n == d.dieAt && d.after:
		_ = act()
	}
	return errCrash
}

func (d *dying) Create(ctx context.Context, r keyring.Record) error {
	return d.try(func() error { return d.Store.Create(ctx, r) })
}

func (d *dying) Replace(ctx context.Context, r keyring.Record) error {
	return d.try(func() error { return d.Store.Replace(ctx, r) })
}

func (d *dying) Delete(ctx context.Context, kind keyring.Kind, id string) error {
	return d.try(func() error { return d.Store.Delete(ctx, kind, id) })
}

func (d *dying) Encrypt(ctx context.Context, plaintext []byte, ec keyring.EncryptionContext) (blob []byte, err error) {
	err = d.try(func() error { blob, err = d.kms.Encrypt(ctx, plaintext, ec); return err })
	return blob, err
}

func (d *dying) Decrypt(ctx context.Context, blob []byte, ec keyring.EncryptionContext) (plaintext []byte, err error) {
	err = d.try(func() error { plaintext, err = d.kms.Decrypt(ctx, blob, ec); return err })
	return plaintext, err
}

func (d *dying) GenerateDataKey(ctx context.Context, ec keyring.EncryptionContext) (plaintext, blob []byte, err error) {
	err = d.try(func() error { plaintext, blob, err = d.kms.GenerateDataKey(ctx, ec); return err })
	return plaintext, blob, err
}

// dyingInstance dies at that step.
func (d *deployment) dyingInstance(at int64, after bool) *keyring.Keyring {
	s := &dying{Store: d.store, kms: d.kms, dieAt: at, after: after}
	return making(s, s, keyring.Options{Audience: audience, Now: d.clock.Now})
}

// eachDeath runs check with a process that dies at the first step, the second
// and so on, until one gets through, which must take at least that many.
func eachDeath(t *testing.T, atLeast int64, check func(t *testing.T, step int64, after bool) (died bool)) {
	for _, after := range []bool{false, true} {
		name := "before"
		if after {
			name = "after"
		}
		t.Run(name, func(t *testing.T) {
			for step := int64(1); ; step++ {
				died := true
				t.Run(fmt.Sprintf("step %d", step), func(t *testing.T) { died = check(t, step, after) })
				if t.Failed() {
					return
				}
				if !died {
					if step <= atLeast {
						t.Errorf("it took only %d steps, so this tested too little", step-1)
					}
					return
				}
			}
		})
	}
}

// The steps: wrap and store the service key, wrap and store the server key,
// unwrap both, store the key set.
func TestFirstKeySetSurvivesDeath(t *testing.T) {
	eachDeath(t, 7, func(t *testing.T, step int64, after bool) bool {
		d := newDeployment()
		err := d.dyingInstance(step, after).Ensure(t.Context())
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		set := d.keySet(t, d.instance())
		if set.Generation != 1 || len(d.records(t, keyring.KindServer)) != 1 {
			t.Errorf("generation %d, %d server keys", set.Generation, len(d.records(t, keyring.KindServer)))
		}
		wantOpens(t, d.instance(), set.active())
		return err != nil
	})
}

// The steps: wrap, store and unwrap the new pair, unwrap the service key, store
// the key set, make and store a data key, delete the pair whose time is over.
func TestRotationSurvivesDeath(t *testing.T) {
	living := newDeployment()
	living.keySet(t, living.instance())
	rotate(t, living.instance()) // the first key is retired
	id, stored, err := living.instance().SealAtRest(t.Context(), []byte("text"), []byte("row"))
	if err != nil {
		t.Fatal(err)
	}
	living.clock.advance(keyring.DefaultKeySetLifetime + 3*time.Hour) // and over
	before := living.keySetAsStored(t)
	eachDeath(t, 8, func(t *testing.T, step int64, after bool) bool {
		d := living.copied(t)

		crash := d.dyingInstance(step, after).Rotate(t.Context())
		if crash != nil && !errors.Is(crash, errCrash) {
			t.Fatal(crash)
		}

		// Tokens that were sealed before are opened, and the latest key set is
		// usable, whatever the dead process left.
		wantOpens(t, d.instance(), before.active())
		latest := d.keySet(t, d.instance())
		wantOpens(t, d.instance(), latest.active())
		if latest.Generation != 3 { // by the dead process, or by this one since the set had expired
			t.Errorf("got generation %d, want 3", latest.Generation)
		}
		if got, err := d.instance().OpenAtRest(t.Context(), id, stored, []byte("row")); err != nil ||
			string(got) != "text" {
			t.Errorf("at rest: %q, %v", got, err)
		}

		// The next run leaves nothing of it undone.
		rotate(t, d.instance())
		final := d.keySet(t, d.instance())
		servers := d.records(t, keyring.KindServer)
		if final.Generation != 4 || len(final.keys) != 3 || len(servers) != 3 {
			t.Errorf("generation %d with %d keys, %d stored; want 4 with 3, 3 stored", final.Generation,
				len(final.keys), len(servers))
		}
		if _, kept := servers["1"]; kept {
			t.Error("the first key is still stored")
		}
		for _, key := range final.keys {
			wantOpens(t, d.instance(), key)
		}
		newID, _, err := d.instance().SealAtRest(t.Context(), []byte("text"), nil)
		if err != nil || newID == id {
			t.Errorf("sealed under data key %s again, %v", newID, err)
		}
		return crash != nil
	})
}

// copied is the same deployment, whose store can go another way.
func (d *deployment) copied(t *testing.T) *deployment {
	t.Helper()
	records, err := d.store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &deployment{store: &countingStore{Store: keyringtest.NewStore()}, kms: d.kms, clock: d.clock}
	c.put(t, records...)
	return c
}

// keySetAsStored reads the key set without renewing it.
func (d *deployment) keySetAsStored(t *testing.T) claims {
	t.Helper()
	record := d.records(t, keyring.KindKeySet)["current"]
	var value struct {
		JWS string `json:"jws"`
	}
	decodeJSON(t, record.Value, &value)
	return d.verify(t, value.JWS)
}

// A pair that a dead process published is the one that the next run activates;
// until then instances already open tokens sealed to it.
func TestPublishedKeyIsTakenUp(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	d.keySet(t, k)
	// The wrapping and the storing of the pair take place; what follows does
	// not.
	if err := d.dyingInstance(3, false).Rotate(t.Context()); !errors.Is(err, errCrash) {
		t.Fatalf("rotated: %v", err)
	}
	servers := d.records(t, keyring.KindServer)
	if len(servers) != 2 {
		t.Fatalf("%d server keys stored, want 2", len(servers))
	}
	published := publicKey(t, servers["2"])
	if set := d.keySet(t, d.instance()); set.Generation != 1 || len(set.keys) != 1 {
		t.Errorf("a published key is in the set: generation %d with %d keys", set.Generation, len(set.keys))
	}
	wantOpens(t, d.instance(), published)
	rotate(t, k)
	set := d.keySet(t, k)
	if set.Generation != 2 || set.active().Thumbprint() != published.Thumbprint() {
		t.Errorf("generation %d has another active key than the one published", set.Generation)
	}
}
