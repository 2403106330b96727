package keyring_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/keyring"
)

func TestFirstKeySet(t *testing.T) {
	d := newDeployment()
	first := d.instance()
	if err := first.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(d.records(t, keyring.KindServer)); n != 0 {
		t.Errorf("warming made %d keys", n)
	}
	set := d.keySet(t, first)
	if set.Generation != 1 || len(set.keys) != 1 || set.active().Bits() != 2048 {
		t.Errorf("generation %d with %d keys of %d bits", set.Generation, len(set.keys), set.active().Bits())
	}
	if want := d.clock.Now().Add(keyring.DefaultKeySetLifetime).Unix(); set.Expires != want {
		t.Errorf("expires %d, want %d", set.Expires, want)
	}
	wantOpens(t, first, set.active())

	again := d.instance()
	if got := d.keySet(t, again); got.kids() != set.kids() || got.signer != set.signer {
		t.Error("another instance has other keys")
	}
	wantOpens(t, again, set.active())
}

// What a reader of the database could see, and what a log line could show.
func TestPrivateKeysAreNowhereInClear(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	d.keySet(t, k)
	rotate(t, k)
	if _, _, err := k.SealAtRest(t.Context(), []byte("text"), nil); err != nil {
		t.Fatal(err)
	}
	records, err := d.store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.kms.secrets) < 4 {
		t.Fatalf("only %d secrets were made", len(d.kms.secrets))
	}
	var shown []byte
	for _, r := range records {
		shown = append(shown, r.Value...)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		shown = fmt.Appendf(shown, verb, k)
	}
	for i, secret := range d.kms.secrets {
		for _, form := range [][]byte{secret[:24], []byte(base64.StdEncoding.EncodeToString(secret[:24])),
			fmt.Appendf(nil, "%x", secret[:24])} {
			if bytes.Contains(shown, form) {
				t.Errorf("secret %d is shown", i)
			}
		}
	}
	if got := fmt.Sprintf("%+v", k); got != "[keyring of "+audience+"]" {
		t.Errorf("formatted as %s", got)
	}
}

func TestRacingFirstInstances(t *testing.T) {
	d := newDeployment()
	var sets [4]claims
	var instances sync.WaitGroup
	for i := range sets {
		instances.Go(func() {
			token, _, err := d.instance().KeySet(t.Context())
			if err != nil {
				t.Errorf("instance %d: %v", i, err)
				return
			}
			sets[i] = d.verify(t, token)
		})
	}
	instances.Wait()
	if t.Failed() {
		return
	}
	for i, set := range sets {
		if set.Generation != 1 || set.kids() != sets[0].kids() || set.signer != sets[0].signer {
			t.Errorf("instance %d got generation %d with other keys than instance 0", i, set.Generation)
		}
	}
	if n := len(d.records(t, keyring.KindServer)); n != 1 {
		t.Errorf("%d server keys stored, want 1", n)
	}
}

// barrier holds the first n who come until all of them have.
type barrier struct {
	arrivals atomic.Int64
	n        int64
	all      chan struct{}
}

func newBarrier(n int64) *barrier { return &barrier{n: n, all: make(chan struct{})} }

func (b *barrier) pass() {
	switch n := b.arrivals.Add(1); {
	case n == b.n:
		close(b.all)
	case n < b.n:
		<-b.all
	}
}

// meetingStore makes callers meet after listing, or after looking up, where it
// has a barrier for that.
type meetingStore struct {
	keyring.Store
	lists, gets *barrier
}

func (m *meetingStore) List(ctx context.Context) ([]keyring.Record, error) {
	records, err := m.Store.List(ctx)
	if m.lists != nil {
		m.lists.pass()
	}
	return records, err
}

func (m *meetingStore) Get(ctx context.Context, kind keyring.Kind, id string) (keyring.Record, error) {
	r, err := m.Store.Get(ctx, kind, id)
	if m.gets != nil {
		m.gets.pass()
	}
	return r, err
}

// Rotations that saw the same generation make one rotation between them.
func TestRacingRotations(t *testing.T) {
	const n = 4
	d := newDeployment()
	before := d.keySet(t, d.instance())
	d.clock.advance(time.Hour)
	m := &meetingStore{Store: d.store, lists: newBarrier(n)}
	var runs sync.WaitGroup
	for range n {
		runs.Go(func() {
			if err := d.over(m).Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	after := d.keySet(t, d.instance())
	if after.Generation != 2 || len(after.keys) != 2 || after.keys[1].Thumbprint() != before.active().Thumbprint() {
		t.Errorf("generation %d with %d keys", after.Generation, len(after.keys))
	}
	if servers, data := len(d.records(t, keyring.KindServer)), len(d.records(t,
		keyring.KindData)); servers != 2 || data != 1 {
		t.Errorf("%d server keys and %d data keys stored, want 2 and 1", servers, data)
	}
	wantOpens(t, d.instance(), before.active())
	wantOpens(t, d.instance(), after.active())
}

// A deployment that slept past its schedule wakes to a request.
func TestKeySetRenewsItself(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	first := d.keySet(t, k)
	d.clock.advance(keyring.DefaultKeySetLifetime * 3 / 4)
	if got := d.keySet(t, k); got.Generation != 1 {
		t.Fatalf("generation %d long before the end", got.Generation)
	}
	d.clock.advance(keyring.DefaultKeySetLifetime / 4)

	var instances sync.WaitGroup
	var tokens sync.Map
	for range 3 {
		instances.Go(func() {
			token, _, err := d.instance().KeySet(t.Context())
			if err != nil {
				t.Error(err)
			}
			tokens.Store(token, true)
		})
	}
	instances.Wait()
	renewed := d.keySet(t, k)
	tokens.Range(func(token, _ any) bool {
		if got := d.verify(t, token.(string)); got.Generation != 2 || got.kids() != renewed.kids() {
			t.Errorf("an instance got generation %d", got.Generation)
		}
		return true
	})
	if want := d.clock.Now().Add(keyring.DefaultKeySetLifetime).Unix(); renewed.Generation != 2 ||
		renewed.Expires != want {
		t.Errorf("generation %d until %d, want 2 until %d", renewed.Generation, renewed.Expires, want)
	}
	wantOpens(t, k, first.active()) // retired just now
}

// Requests that one instance serves at the same time, and that all saw the set
// expire, renew it once between them.
func TestOneInstanceRenewsOnce(t *testing.T) {
	const n = 6
	d := newDeployment()
	k := d.over(&meetingStore{Store: d.store, gets: newBarrier(n)})
	d.keySet(t, d.instance())
	d.clock.advance(keyring.DefaultKeySetLifetime)
	if err := k.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	var requests sync.WaitGroup
	for range n {
		requests.Go(func() {
			if _, generation, err := k.KeySet(t.Context()); err != nil || generation != 2 {
				t.Errorf("generation %d, %v; want 2", generation, err)
			}
		})
	}
	requests.Wait()
}

// Clients refuse a generation below one they saw, so an instance must not serve
// the one it remembers.
func TestKeySetIsNeverAnOldOne(t *testing.T) {
	d := newDeployment()
	a, b := d.instance(), d.instance()
	d.keySet(t, a)
	d.keySet(t, b)
	rotate(t, a)
	if got := d.keySet(t, b); got.Generation != 2 {
		t.Errorf("generation %d after a rotation elsewhere, want 2", got.Generation)
	}
	lists := d.store.lists.Load()
	d.keySet(t, b)
	if n := d.store.lists.Load() - lists; n != 0 {
		t.Errorf("an unchanged key set cost %d listings", n)
	}
}

func TestLifeOfAServerKey(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	first := d.keySet(t, k).active()
	wantOpens(t, k, first) // active

	rotate(t, k)
	retired := d.clock.Now()
	second := d.keySet(t, k)
	if second.Generation != 2 || second.kids() != second.active().Thumbprint()+" "+first.Thumbprint() {
		t.Errorf("the set of generation %d does not list the new key before the old one", second.Generation)
	}
	keep := keyring.DefaultKeySetLifetime + 3*time.Hour
	d.clock.advance(keep - time.Second)
	wantOpens(t, k, first) // decrypt-only

	d.clock.advance(time.Second)
	if d.clock.Now().Sub(retired) != keep {
		t.Fatal("the test's own arithmetic is wrong")
	}
	wantStale(t, k, first) // past its time, not deleted yet
	if len(d.records(t, keyring.KindServer)) != 2 {
		t.Error("deleted without a rotation")
	}

	rotate(t, k)
	third := d.keySet(t, k)
	if third.kids() != third.active().Thumbprint()+" "+second.active().Thumbprint() {
		t.Errorf("the set of generation %d lists %d keys", third.Generation, len(third.keys))
	}
	if _, kept := d.records(t, keyring.KindServer)["1"]; kept {
		t.Error("a destroyed key is still stored")
	}
	wantStale(t, k, first)
	wantStale(t, d.instance(), first)
	wantOpens(t, k, second.active())
}

// The identity outlives every rotation: clients pin it.
func TestServiceKeyStays(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	signer := d.keySet(t, k).signer
	rotate(t, k)
	d.clock.advance(100 * 24 * time.Hour)
	if got := d.keySet(t, k).signer; got != signer {
		t.Errorf("signed by %s after a rotation, by %s before", got, signer)
	}
}

// Tokens that clients sealed before they got the new key set keep opening while
// it runs, on the instance that rotates and on others.
func TestRotationLosesNoToken(t *testing.T) {
	d := newDeployment()
	rotating, other := d.instance(), d.instance()
	old := d.keySet(t, rotating).active()
	d.keySet(t, other)
	token := seal(t, old, "hello")

	stop := make(chan struct{})
	var opened atomic.Int64
	var senders sync.WaitGroup
	for _, k := range []*keyring.Keyring{rotating, other} {
		senders.Go(func() {
			for {
				if got, _, err := k.OpenSend(t.Context(), token); err != nil || string(got) != "hello" {
					t.Errorf("opened %q, %v", got, err)
					return
				}
				opened.Add(1)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	rotate(t, rotating)
	rotate(t, rotating)
	close(stop)
	senders.Wait()
	if opened.Load() < 2 {
		t.Errorf("only %d tokens were opened meanwhile", opened.Load())
	}
}

// Rotating far more often than keys expire must not make a set that nobody can
// receive.
func TestKeySetsAreBounded(t *testing.T) {
	d := newDeployment()
	k := making(d.store, d.kms, keyring.Options{Audience: audience, Now: d.clock.Now, ServerKeyBits: 3072})
	d.keySet(t, k)
	// Published copies of one pair spare the time of making many.
	published := d.records(t, keyring.KindServer)["1"]
	var err error
	for n := 2; n <= 40 && err == nil; n++ {
		published.ID = fmt.Sprint(n)
		if err := d.store.Create(t.Context(), published); err != nil {
			t.Fatal(err)
		}
		err = k.Rotate(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "rotate less often") {
		t.Fatalf("rotated 40 times: %v", err)
	}
	token, generation, err := k.KeySet(t.Context())
	t.Logf("a full key set has %d bytes", len(token))
	if err != nil || generation != 32 || len(token) > envelope.MaxSigned {
		t.Errorf("generation %d of %d bytes, %v", generation, len(token), err)
	}
	d.clock.advance(30 * 24 * time.Hour)
	rotate(t, k)
	if set := d.keySet(t, k); set.Generation != 33 || len(set.keys) != 2 {
		t.Errorf("generation %d with %d keys once the retired ones were over", set.Generation, len(set.keys))
	}
}
