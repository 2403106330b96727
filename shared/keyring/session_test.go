package keyring_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
)

// handshake has what a client puts into a handshake, and the keys that it
// derives from it.
type handshake struct {
	token, proof        string
	nonce               []byte
	toService, toClient *envelope.MACKey
}

func newHandshake(t *testing.T, to *envelope.EncryptionKey) handshake {
	t.Helper()
	secret, nonce := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	token, err := envelope.Seal(to, envelope.TypeSession, secret)
	if err != nil {
		t.Fatal(err)
	}
	h := handshake{token: token, proof: "the proof with " + token, nonce: nonce}
	if h.toService, h.toClient, err = envelope.DeriveMACKeys(secret, nonce, h.proof); err != nil {
		t.Fatal(err)
	}
	return h
}

// session returns the session key of the current key set.
func (d *deployment) session(t *testing.T, k *keyring.Keyring) *envelope.EncryptionKey {
	t.Helper()
	key, err := envelope.ParseEncryptionKey(d.keySet(t, k).Session)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func authenticated(t *testing.T, key *envelope.MACKey, frame string) []byte {
	t.Helper()
	data, err := key.Authenticate([]byte(frame))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSessionsOfFrames wants what the client derives: an instance checks its
// frames and authenticates frames for it. Another instance does the same with
// the wrapped keys alone, and lists no records for it.
func TestSessionsOfFrames(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	h := newHandshake(t, d.session(t, k))
	place := []byte("connection|ada|device")
	keys, err := k.OpenSession(t.Context(), h.token, h.nonce, h.proof, place)
	if err != nil {
		t.Fatal(err)
	}
	request := authenticated(t, h.toService, `{"action":"ping"}`)
	lists := d.store.lists.Load()
	other := d.instance()
	for range 3 {
		if err := other.CheckFrame(t.Context(), keys.ToService, place, request); err != nil {
			t.Errorf("a client's frame: got %v, want it accepted", err)
		}
		answer, err := other.AuthenticateFrame(t.Context(), keys.ToClient, place, []byte(`{"type":"pong"}`))
		if err != nil || h.toClient.Verify(answer) != nil {
			t.Errorf("a frame for the client: got %s, %v; want one that it accepts", answer, err)
		}
	}
	if n := d.store.lists.Load() - lists; n != 0 {
		t.Errorf("got %d listings of all records, want none", n)
	}
	decrypts := d.kms.decrypts.Load()
	if _, err := other.AuthenticateFrame(t.Context(), keys.ToClient, place, []byte(`{"type":"pong"}`)); err != nil {
		t.Error(err)
	}
	if n := d.kms.decrypts.Load() - decrypts; n != 0 {
		t.Errorf("got %d requests to KMS for one more frame, want none", n)
	}
}

// Vulnerability: an attacker who writes rows could put a wrapped key where it
// does not belong, and one direction's key could serve for the other.
// Attack: mallory moves wrapped keys between connections and between the two
// directions, alters them, and sends frames back to their maker.
// This verifies that all of it is refused.
func TestAttackWrappedKeysInAnotherPlace(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	h := newHandshake(t, d.session(t, k))
	place := []byte("connection|ada|device")
	keys, err := k.OpenSession(t.Context(), h.token, h.nonce, h.proof, place)
	if err != nil {
		t.Fatal(err)
	}
	request := authenticated(t, h.toService, `{"action":"ping"}`)
	answer := authenticated(t, h.toClient, `{"type":"pong"}`)
	unknown := append([]byte{99}, keys.ToService[1:]...)
	altered := bytes.Clone(keys.ToService)
	altered[len(altered)-1] ^= 1
	for _, test := range []struct {
		name         string
		wrapped      []byte
		place, frame []byte
		want         error
	}{
		{"another place", keys.ToService, []byte("connection|bob|device"), request, keyring.ErrAtRest},
		{"the key for deliveries", keys.ToClient, place, request, keyring.ErrAtRest},
		{"an altered key", altered, place, request, keyring.ErrAtRest},
		{"a key under an unknown wrapping key", unknown, place, request, keyring.ErrAtRest},
		{"no key", nil, place, request, keyring.ErrAtRest},
		{"a frame of the service", keys.ToService, place, answer, keyring.ErrMAC},
		{"a frame without mac", keys.ToService, place, []byte(`{"action":"ping"}`), keyring.ErrMAC},
	} {
		if err := k.CheckFrame(t.Context(), test.wrapped, test.place, test.frame); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	for name, wrapped := range map[string][]byte{"the key for requests": keys.ToService, "no key": nil} {
		if _, err := k.AuthenticateFrame(t.Context(), wrapped, place, []byte(`{"type":"pong"}`)); !errors.Is(err,
			keyring.ErrAtRest) {
			t.Errorf("a frame under %s: got %v, want ErrAtRest", name, err)
		}
	}
}

func TestOpenSessionRefuses(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	to := d.session(t, k)
	sealed := func(to *envelope.EncryptionKey, typ envelope.Type, plain string) string {
		token, err := envelope.Seal(to, typ, []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	secret := strings.Repeat("s", envelope.SecretSize)
	for name, test := range map[string]struct {
		token string
		want  error
	}{
		"no token":               {"x", envelope.ErrEnvelope},
		"another type":           {sealed(to, envelope.TypeSend, secret), envelope.ErrEnvelope},
		"a short secret":         {sealed(to, envelope.TypeSession, secret[1:]), envelope.ErrEnvelope},
		"a long secret":          {sealed(to, envelope.TypeSession, secret+"s"), envelope.ErrEnvelope},
		"sealed to a stranger":   {sealed(strangerKey(), envelope.TypeSession, secret), keyring.ErrStaleKey},
		"sealed to a server key": {sealed(d.keySet(t, k).active(), envelope.TypeSession, secret), keyring.ErrStaleKey},
		"as it should be":        {sealed(to, envelope.TypeSession, secret), nil},
	} {
		_, err := k.OpenSession(t.Context(), test.token, make([]byte, 32), "proof", []byte("place"))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	if _, _, err := k.OpenSend(context.Background(), sealed(to, envelope.TypeSend, "hello")); !errors.Is(err,
		keyring.ErrStaleKey) {
		t.Errorf("a message to the session key: got %v, want ErrStaleKey", err)
	}
}

// TestLifeOfASessionKey wants a retired session key to open for the handshakes
// that have begun, and to be destroyed after that. What was wrapped stays
// readable for as long as a connection can live.
func TestLifeOfASessionKey(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	h := newHandshake(t, d.session(t, k))
	place := []byte("place")
	open := func() (keyring.SessionKeys, error) {
		return k.OpenSession(t.Context(), h.token, h.nonce, h.proof, place)
	}
	rotate(t, k)
	d.clock.advance(time.Minute)
	keys, err := open()
	if err != nil {
		t.Fatalf("a minute after the rotation: got %v, want it opened", err)
	}
	d.clock.advance(2 * time.Hour)
	if _, err := open(); !errors.Is(err, keyring.ErrStaleKey) {
		t.Errorf("two hours after the rotation: got %v, want ErrStaleKey", err)
	}
	rotate(t, k)
	if n := len(d.records(t, keyring.KindSession)); n != 2 {
		t.Errorf("got %d session keys, want the active one and the last retired one", n)
	}
	frame := authenticated(t, h.toService, `{"action":"ping"}`)
	d.clock.advance(chat.ConnectionRowLifetime)
	rotate(t, k)
	if err := d.instance().CheckFrame(t.Context(), keys.ToService, place, frame); err != nil {
		t.Errorf("a connection's whole life later: got %v, want the frame accepted", err)
	}
	d.clock.advance(5 * time.Hour)
	rotate(t, k)
	if n := len(d.records(t, keyring.KindWrap)); n != 2 {
		t.Errorf("got %d wrapping keys, want the newest and the one before it", n)
	}
}

// TestKeySetOfVersion1IsRenewed wants a deployment of an earlier version to get
// a key set with a session key.
func TestKeySetOfVersion1IsRenewed(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	before := d.keySet(t, k)
	old := d.asVersion1(t)
	d.store.Store = keyringtest.NewStore()
	d.put(t, old...)
	fresh := d.instance()
	after := d.keySet(t, fresh)
	if after.Generation != before.Generation+1 || after.Version != 2 || len(after.Session) == 0 {
		t.Errorf("got generation %d of version %d with the session key %s, want generation %d of version 2 with one",
			after.Generation, after.Version, after.Session, before.Generation+1)
	}
	wantOpens(t, fresh, before.active())
}

// asVersion1 returns the stored records as version 1 made them.
func (d *deployment) asVersion1(t *testing.T) (records []keyring.Record) {
	t.Helper()
	all, err := d.store.Store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		switch r.Kind {
		case keyring.KindSession, keyring.KindWrap:
			continue
		case keyring.KindKeySet:
			r.Value = d.signedAgain(t, r.Value, func(claims map[string]json.RawMessage) {
				delete(claims, "v")
				delete(claims, "session")
			})
		}
		records = append(records, r)
	}
	return records
}

// signedAgain changes the claims of a stored key set and signs them with the
// deployment's identity.
func (d *deployment) signedAgain(t *testing.T, record []byte, change func(map[string]json.RawMessage)) []byte {
	t.Helper()
	var stored, service map[string]json.RawMessage
	decodeJSON(t, record, &stored)
	decodeJSON(t, d.records(t, keyring.KindService)["service"].Value, &service)
	var token string
	var wrapped []byte
	decodeJSON(t, stored["jws"], &token)
	decodeJSON(t, service["wrapped"], &wrapped)
	seed, err := d.kms.KMS.Decrypt(t.Context(), wrapped,
		keyring.EncryptionContext{"deployment": audience, "purpose": "sotto-service-key"})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := envelope.SigningKeyFromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := envelope.ParseSigned(token, envelope.TypeKeys)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := signed.Verify(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]json.RawMessage
	decodeJSON(t, payload, &claims)
	change(claims)
	again, err := envelope.SignWithJWK(signer, envelope.TypeKeys, encodeJSON(t, claims))
	if err != nil {
		t.Fatal(err)
	}
	stored["jws"] = encodeJSON(t, again)
	return encodeJSON(t, stored)
}

func encodeJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
