package keyring_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/keyring"
)

func TestAtRestComesBack(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	for _, text := range []string{"", "text", string(bytes.Repeat([]byte("long "), 4000))} {
		id, stored, err := k.SealAtRest(t.Context(), []byte(text), []byte("row"))
		if err != nil {
			t.Fatal(err)
		}
		if len(stored) != len(text)+28 || len(text) > 0 && bytes.Contains(stored, []byte(text)) {
			t.Errorf("%d bytes became %d", len(text), len(stored))
		}
		for _, reader := range []*keyring.Keyring{k, d.instance()} {
			got, err := reader.OpenAtRest(t.Context(), id, stored, []byte("row"))
			if err != nil || string(got) != text {
				t.Errorf("opened %d bytes, %v; want %d", len(got), err, len(text))
			}
		}
	}
}

func TestAtRestIsFresh(t *testing.T) {
	k := newDeployment().instance()
	seen := map[string]bool{}
	for range 100 {
		_, stored, err := k.SealAtRest(t.Context(), []byte("same"), nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(stored[:12])] = true
	}
	if len(seen) != 100 {
		t.Errorf("100 texts have %d nonces", len(seen))
	}
}

func TestAtRestRefuses(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	id, stored, err := k.SealAtRest(t.Context(), []byte("text"), []byte("row"))
	if err != nil {
		t.Fatal(err)
	}
	rotate(t, k)
	otherID, _, err := k.SealAtRest(t.Context(), []byte("text"), []byte("row"))
	if err != nil || otherID == id {
		t.Fatalf("data key %s again, %v", otherID, err)
	}
	altered := bytes.Clone(stored)
	altered[len(altered)-1] ^= 1
	for name, tc := range map[string]struct {
		id          string
		stored, aad []byte
	}{
		"another row":        {id, stored, []byte("other row")},
		"no row":             {id, stored, nil},
		"another data key":   {otherID, stored, []byte("row")},
		"altered":            {id, altered, []byte("row")},
		"cut":                {id, stored[:20], []byte("row")},
		"nothing":            {id, nil, []byte("row")},
		"unknown data key":   {"77", stored, []byte("row")},
		"malformed data key": {"0" + id, stored, []byte("row")},
		"no data key":        {"", stored, []byte("row")},
		"data key as a kind": {"current", stored, []byte("row")},
		"negative data key":  {"-1", stored, []byte("row")},
	} {
		if got, err := k.OpenAtRest(t.Context(), tc.id, tc.stored,
			tc.aad); !errors.Is(err, keyring.ErrAtRest) || got != nil {
			t.Errorf("%s: %q, %v; want ErrAtRest", name, got, err)
		}
	}
}

// The bound on a data key's uses rests on its age, so age alone must replace
// it.
func TestDataKeysAreReplaced(t *testing.T) {
	d := newDeployment()
	k, idle := d.instance(), d.instance()
	sealWith := func(k *keyring.Keyring) string {
		t.Helper()
		id, _, err := k.SealAtRest(t.Context(), []byte("text"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if a, b := sealWith(k), sealWith(idle); a != "1" || b != "1" {
		t.Fatalf("data keys %s and %s, want 1 for both", a, b)
	}
	d.clock.advance(keyring.DefaultDataKeyAge - time.Second)
	if id := sealWith(k); id != "1" {
		t.Errorf("data key %s before its time", id)
	}
	d.clock.advance(time.Second)
	if a, b := sealWith(k), sealWith(idle); a != "2" || b != "2" {
		t.Errorf("data keys %s and %s after two days, want 2 for both", a, b)
	}
	d.keySet(t, k)
	rotate(t, k)
	if id := sealWith(k); id != "3" {
		t.Errorf("data key %s after a rotation, want 3", id)
	}
}

func TestDataKeyAgeIsCapped(t *testing.T) {
	d := newDeployment()
	k := making(d.store, d.kms, keyring.Options{
		Audience:   audience,
		Now:        d.clock.Now,
		DataKeyAge: 1000 * time.Hour,
	})
	for _, want := range []string{"1", "2"} {
		id, _, err := k.SealAtRest(t.Context(), nil, nil)
		if err != nil || id != want {
			t.Errorf("data key %s, %v; want %s", id, err, want)
		}
		d.clock.advance(keyring.DefaultDataKeyAge)
	}
}

func TestRacingDataKeys(t *testing.T) {
	d := newDeployment()
	var instances sync.WaitGroup
	for range 8 {
		instances.Go(func() {
			k := d.instance()
			id, stored, err := k.SealAtRest(t.Context(), []byte("text"), nil)
			if err != nil || id != "1" {
				t.Errorf("data key %s, %v", id, err)
				return
			}
			if got, err := d.instance().OpenAtRest(t.Context(), id, stored, nil); err != nil || string(got) != "text" {
				t.Errorf("opened %q, %v", got, err)
			}
		})
	}
	instances.Wait()
	if n := len(d.records(t, keyring.KindData)); n != 1 {
		t.Errorf("%d data keys stored, want 1", n)
	}
}

// Kept for ever unless the deployment says for how long its texts are kept;
// then destroyed, which destroys the texts in every backup too.
func TestDataKeyRetention(t *testing.T) {
	const retention = 30 * 24 * time.Hour
	d := newDeployment()
	forever := d.instance()
	limited := making(d.store, d.kms, keyring.Options{
		Audience:         audience,
		Now:              d.clock.Now,
		DataKeyRetention: retention,
	})
	id, stored, err := forever.SealAtRest(t.Context(), []byte("text"), nil)
	if err != nil {
		t.Fatal(err)
	}
	rotate(t, forever) // makes data key 2
	d.clock.advance(retention + keyring.DefaultDataKeyAge)
	rotate(t, limited)
	if got, err := limited.OpenAtRest(t.Context(), id, stored, nil); err != nil || string(got) != "text" {
		t.Errorf("within the retention: %q, %v", got, err)
	}
	d.clock.advance(time.Second)
	rotate(t, forever)
	if _, err := forever.OpenAtRest(t.Context(), id, stored, nil); err != nil {
		t.Errorf("kept for ever: %v", err)
	}
	rotate(t, limited)
	if got, err := limited.OpenAtRest(t.Context(), id, stored, nil); !errors.Is(err, keyring.ErrAtRest) {
		t.Errorf("past the retention: %q, %v; want ErrAtRest", got, err)
	}
	if _, kept := d.records(t, keyring.KindData)["2"]; !kept {
		t.Error("a data key that was in use within the retention is gone")
	}
	if _, _, err := limited.SealAtRest(t.Context(), []byte("text"), nil); err != nil {
		t.Error(err)
	}
}

func TestDataKeysAreUnwrappedOnce(t *testing.T) {
	d := newDeployment()
	id, stored, err := d.instance().SealAtRest(t.Context(), []byte("text"), nil)
	if err != nil {
		t.Fatal(err)
	}
	k := d.instance()
	unwrapped, lists := d.kms.decrypts.Load(), d.store.lists.Load()
	together(20, func(wait func()) { d.store.hold = wait }, func() {
		if _, err := k.OpenAtRest(t.Context(), id, stored, nil); err != nil {
			t.Error(err)
		}
	})
	if n := d.kms.decrypts.Load() - unwrapped; n != 1 {
		t.Errorf("unwrapped %d times, want once", n)
	}
	if n := d.store.lists.Load() - lists; n != 1 {
		t.Errorf("%d listings, want one shared by all", n)
	}
}

// TestLastingKeyStays wants what does not expire to be readable after the data
// keys of messages were destroyed.
func TestLastingKeyStays(t *testing.T) {
	const retention = 30 * 24 * time.Hour
	d := newDeployment()
	instance := func() *keyring.Keyring {
		return making(d.store, d.kms, keyring.Options{
			Audience:         audience,
			Now:              d.clock.Now,
			DataKeyRetention: retention,
		})
	}
	k := instance()
	id, stored, err := k.SealLasting(t.Context(), []byte("den"), []byte("row"))
	if err != nil {
		t.Fatal(err)
	}
	messageID, _, err := k.SealAtRest(t.Context(), []byte("text"), []byte("row"))
	if err != nil || messageID == id {
		t.Fatalf("a message is sealed under the key %s, %v; want another one than %s", messageID, err, id)
	}
	for range 3 {
		d.clock.advance(2 * retention)
		rotate(t, instance())
	}
	for _, reader := range []*keyring.Keyring{k, instance()} {
		if got, err := reader.OpenAtRest(t.Context(), id, stored, []byte("row")); err != nil || string(got) != "den" {
			t.Errorf("got %q, %v; want den", got, err)
		}
	}
	if again, _, err := instance().SealLasting(t.Context(), []byte("x"), nil); err != nil || again != id {
		t.Errorf("got the key %s, %v; want %s again", again, err, id)
	}
}
