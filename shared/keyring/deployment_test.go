package keyring_test

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
	"github.com/sotto-chat/sotto/shared/strict"
)

const audience = "chat.example.org/prod"

// deployment is what instances share: a store, a KMS and the time.
type deployment struct {
	store *countingStore
	kms   *countingKMS
	clock *clock
}

func newDeployment() *deployment {
	return &deployment{
		store: &countingStore{Store: keyringtest.NewStore()},
		kms:   &countingKMS{KMS: keyringtest.NewKMS()},
		clock: &clock{now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
}

// instance is a new process of the deployment.
func (d *deployment) instance() *keyring.Keyring { return d.over(d.store) }

// over is an instance that sees the deployment through another store.
func (d *deployment) over(s keyring.Store) *keyring.Keyring {
	return making(s, d.kms, keyring.Options{Audience: audience, Now: d.clock.Now})
}

// making returns a keyring that makes missing keys itself.
func making(s keyring.Store, kms keyring.KMS, o keyring.Options) *keyring.Keyring {
	var k *keyring.Keyring
	o.Maker = func(ctx context.Context) error { return k.Ensure(ctx) }
	k = keyring.New(s, kms, o)
	return k
}

// records returns the ids of one kind.
func (d *deployment) records(t *testing.T, kind keyring.Kind) map[string]keyring.Record {
	t.Helper()
	all, err := d.store.Store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]keyring.Record{}
	for _, r := range all {
		if r.Kind == kind {
			byID[r.ID] = r
		}
	}
	return byID
}

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// countingStore counts reads of everything. With hold set, they wait for it.
type countingStore struct {
	keyring.Store
	lists atomic.Int64
	hold  func()
}

func (s *countingStore) List(ctx context.Context) ([]keyring.Record, error) {
	s.lists.Add(1)
	if s.hold != nil {
		s.hold()
	}
	return s.Store.List(ctx)
}

// countingKMS counts unwrappings and remembers what was wrapped. With hold set,
// unwrappings wait for it.
type countingKMS struct {
	keyring.KMS
	decrypts atomic.Int64
	hold     func()
	mu       sync.Mutex
	secrets  [][]byte
}

func (k *countingKMS) Encrypt(ctx context.Context, plaintext []byte, ec keyring.EncryptionContext) ([]byte, error) {
	k.remember(plaintext)
	return k.KMS.Encrypt(ctx, plaintext, ec)
}

func (k *countingKMS) Decrypt(ctx context.Context, blob []byte, ec keyring.EncryptionContext) ([]byte, error) {
	k.decrypts.Add(1)
	if k.hold != nil {
		k.hold()
	}
	return k.KMS.Decrypt(ctx, blob, ec)
}

func (k *countingKMS) GenerateDataKey(ctx context.Context,
	ec keyring.EncryptionContext) (plaintext, blob []byte, err error) {
	plaintext, blob, err = k.KMS.GenerateDataKey(ctx, ec)
	k.remember(plaintext)
	return plaintext, blob, err
}

func (k *countingKMS) remember(secret []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.secrets = append(k.secrets, bytes.Clone(secret))
}

// together runs n callers at once. What is held up by the function that it
// hands to hold goes on when all callers are under way.
func together(n int, hold func(wait func()), call func()) {
	var started, done sync.WaitGroup
	started.Add(n)
	hold(func() {
		started.Wait()
		for range 100 {
			runtime.Gosched() // lets those who are under way reach the gate
		}
	})
	for range n {
		done.Go(func() {
			started.Done()
			call()
		})
	}
	done.Wait()
}

// claims is a key set as a client reads it.
type claims struct {
	Version    int               `json:"v"`
	Session    json.RawMessage   `json:"session"`
	Audience   string            `json:"aud"`
	Generation int64             `json:"gen"`
	Expires    int64             `json:"exp"`
	Keys       []json.RawMessage `json:"keys"`

	signer string
	keys   []*envelope.EncryptionKey
}

// keySet fetches and verifies an instance's key set.
func (d *deployment) keySet(t *testing.T, k *keyring.Keyring) claims {
	t.Helper()
	token, generation, err := k.KeySet(t.Context())
	if err != nil {
		t.Fatalf("key set: %v", err)
	}
	c := d.verify(t, token)
	if c.Generation != generation {
		t.Errorf("generation %d, but signed as %d", generation, c.Generation)
	}
	if c.Audience != audience {
		t.Errorf("audience %q", c.Audience)
	}
	return c
}

func (d *deployment) verify(t *testing.T, token string) claims {
	t.Helper()
	var service struct {
		JWK json.RawMessage `json:"jwk"`
	}
	if err := strict.Unmarshal(d.records(t, keyring.KindService)["service"].Value, &service); err != nil {
		t.Fatal(err)
	}
	signer, err := envelope.ParseVerifyKey(service.JWK)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := envelope.ParseSigned(token, envelope.TypeKeys)
	if err != nil {
		t.Fatal(err)
	}
	if signed.JWK != signer {
		t.Errorf("the key set carries the key %q, and a client that pinned none cannot verify it", signed.JWK)
	}
	text, err := signed.Verify(signer)
	if err != nil {
		t.Fatal(err)
	}
	c := claims{signer: signed.KID}
	if err := strict.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	for _, jwk := range c.Keys {
		key, err := envelope.ParseEncryptionKey(jwk)
		if err != nil {
			t.Fatal(err)
		}
		c.keys = append(c.keys, key)
	}
	return c
}

// active is the key that clients seal to.
func (c claims) active() *envelope.EncryptionKey { return c.keys[0] }

func (c claims) kids() string {
	var kids []string
	for _, key := range c.keys {
		kids = append(kids, key.Thumbprint())
	}
	return strings.Join(kids, " ")
}

func seal(t *testing.T, to *envelope.EncryptionKey, text string) string {
	t.Helper()
	token, err := envelope.Seal(to, envelope.TypeSend, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func rotate(t *testing.T, k *keyring.Keyring) {
	t.Helper()
	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func wantOpens(t *testing.T, k *keyring.Keyring, key *envelope.EncryptionKey) {
	t.Helper()
	got, kid, err := k.OpenSend(t.Context(), seal(t, key, "hello"))
	if err != nil || string(got) != "hello" || kid != key.Thumbprint() {
		t.Errorf("opened %q under %q, %v", got, kid, err)
	}
	if ok, err := k.AcceptsServerKey(t.Context(), key.Thumbprint()); !ok || err != nil {
		t.Errorf("accepts: %v, %v", ok, err)
	}
}

func wantStale(t *testing.T, k *keyring.Keyring, key *envelope.EncryptionKey) {
	t.Helper()
	if got, _, err := k.OpenSend(t.Context(), seal(t, key, "hello")); err != keyring.ErrStaleKey || got != nil {
		t.Errorf("opened %q, %v; want ErrStaleKey", got, err)
	}
	if ok, err := k.AcceptsServerKey(t.Context(), key.Thumbprint()); ok || err != nil {
		t.Errorf("accepts: %v, %v", ok, err)
	}
}

func decodeJSON(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := strict.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// publicKey reads the public half out of a server key's record.
func publicKey(t *testing.T, r keyring.Record) *envelope.EncryptionKey {
	t.Helper()
	var value struct {
		JWK json.RawMessage `json:"jwk"`
	}
	decodeJSON(t, r.Value, &value)
	key, err := envelope.ParseEncryptionKey(value.JWK)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
