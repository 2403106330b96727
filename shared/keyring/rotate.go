package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
)

// ErrNoKeySet means that the deployment has no key set that clients accept, and
// that Options.Maker, if there is one, could not make one.
var ErrNoKeySet = errors.New("there is no valid key set")

// KeySet returns the current key set (a JWS of TypeKeys) and its generation. If
// there is none or it is about to expire, it calls Options.Maker and returns
// what that has made. Error: ErrNoKeySet.
//
// Each call reads the stored generation: clients refuse a set that is older
// than one they have, so an instance must not return an old one from memory.
func (k *Keyring) KeySet(ctx context.Context) (token string, generation int64, err error) {
	s, err := k.latest(ctx)
	if err != nil {
		return "", 0, err
	}
	if k.due(s) && k.options.Maker != nil {
		err = k.options.Maker(ctx)
		after, readErr := k.latest(ctx)
		if readErr != nil {
			return "", 0, readErr
		}
		s = after
	}
	if !s.usable(k.now()) {
		if err != nil {
			return "", 0, fmt.Errorf("%w: %w", ErrNoKeySet, err)
		}
		return "", 0, ErrNoKeySet
	}
	return s.set.token, s.set.generation, nil
}

// Ensure makes the keys that are missing and renews a key set that is about to
// expire, in case the schedule did not run. It writes nothing otherwise, so it
// may be called at any time.
func (k *Keyring) Ensure(ctx context.Context) error {
	s, err := k.latest(ctx)
	if err != nil || !k.due(s) {
		return err
	}
	_, err = k.renew(ctx)
	return err
}

// usable reports whether clients accept the key set: it has a session key, so
// it is of this version of the protocol, and it has not expired.
func (s *snapshot) usable(now time.Time) bool {
	return s.set != nil && s.set.session != nil && now.Before(s.set.expires)
}

// due reports whether there is no usable key set or the current one is about to
// expire.
func (k *Keyring) due(s *snapshot) bool {
	return !s.usable(k.now()) || !k.now().Before(s.set.dueAt(k.options.KeySetLifetime))
}

// latest returns a snapshot that has the stored generation of the key set.
func (k *Keyring) latest(ctx context.Context) (*snapshot, error) {
	before := k.snapshot.Load()
	s, err := k.current(ctx)
	if err != nil || s != before {
		return s, err // an error, or it was read just now
	}
	r, err := k.store.Get(ctx, KindKeySet, keySetID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	if r.Generation == s.generation() { // zero is both "not found" and "none"
		return s, nil
	}
	return k.reload(ctx, s)
}

// renew makes the next key set unless another process did meanwhile.
func (k *Keyring) renew(ctx context.Context) (*snapshot, error) {
	if err := k.changing.enter(ctx); err != nil {
		return nil, fmt.Errorf("renew key set: %w", err)
	}
	defer k.changing.leave()
	s, err := k.latest(ctx)
	if err != nil || !k.due(s) {
		return s, err
	}
	if s, err = k.advance(ctx, s); err != nil {
		return nil, fmt.Errorf("renew key set: %w", err)
	}
	return s, nil
}

// Rotate activates a new server key, retires the one before, makes a new data
// key and destroys keys past their time. A schedule calls it. Several
// concurrent runs rotate once. A run that fails or dies at any step leaves the
// keys usable, and the next run continues.
//
// It fails if a key set is full of keys that are still in use, which happens
// only if Rotate runs far more often than retired keys expire.
func (k *Keyring) Rotate(ctx context.Context) error {
	if err := k.rotate(ctx); err != nil {
		return fmt.Errorf("rotate keys: %w", err)
	}
	return nil
}

func (k *Keyring) rotate(ctx context.Context) error {
	if err := k.changing.enter(ctx); err != nil {
		return err
	}
	defer k.changing.leave()
	s, err := k.reload(ctx, k.snapshot.Load())
	if err != nil {
		return err
	}
	if s, err = k.advance(ctx, s); err != nil {
		return err
	}
	if s.newest == nil || s.newest.generation < s.generation() {
		if s, err = k.makeData(ctx, s, s.nextData()); err != nil {
			return err
		}
	}
	return k.destroy(ctx, s)
}

// advance makes the key set that follows the snapshot's, or finds that another
// process has made it. The next run uses what each step before the last has
// stored: an identity, a published pair.
func (k *Keyring) advance(ctx context.Context, s *snapshot) (*snapshot, error) {
	from := s.generation()
	s, err := k.ensureService(ctx, s)
	if err != nil || s.generation() != from {
		return s, err
	}
	for _, kind := range []Kind{KindServer, KindSession} {
		s, err = k.ensurePair(ctx, s, kind, from+1)
		if err != nil || s.generation() != from {
			return s, err
		}
	}
	s, err = k.ensureWrap(ctx, s, from+1)
	if err != nil || s.generation() != from {
		return s, err
	}
	// Unwrap the keys before any client seals to them: if KMS cannot unwrap
	// one, nothing that is sealed to it can be opened.
	active, session := s.servers[from+1], s.sessions[from+1]
	if _, err := k.unwrapServer(ctx, active); err != nil {
		return nil, err
	}
	if _, err := k.unwrapSession(ctx, session); err != nil {
		return nil, err
	}
	record, err := k.nextKeySet(ctx, s, active, session)
	if err != nil {
		return nil, err
	}
	write := k.store.Replace
	if from == 0 {
		write = k.store.Create
	}
	if err := write(ctx, record); err != nil && !errors.Is(err, ErrConflict) {
		return nil, fmt.Errorf("activate server key: %w", err)
	}
	// After a conflict as well as after success, the store has the current set.
	after, err := k.reload(ctx, s)
	if err != nil {
		return nil, err
	}
	if after.generation() <= from {
		return nil, errors.New("activate server key: the store refused generation " + numberID(from+1))
	}
	return after, nil
}

// nextKeySet signs the key set in which active follows the snapshot's active
// key. The retired keys come from the previous set, which is signed, and not
// from their records, which an attacker with write access could change.
func (k *Keyring) nextKeySet(ctx context.Context, s *snapshot, active, session *serverKey) (Record, error) {
	now := k.now()
	var retired []retirement
	jwks := []json.RawMessage{active.public.JWK()}
	if s.set != nil {
		for i, r := range append([]retirement{{Number: s.set.generation, At: now.Unix()}}, s.set.retired...) {
			if s.servers[r.Number] != nil && now.Before(time.Unix(r.At, 0).Add(k.options.DecryptOnlyFor)) {
				retired = append(retired, r)
				jwks = append(jwks, s.set.jwks[i])
			}
		}
	}
	if len(jwks) > maxKeys {
		return Record{}, fmt.Errorf("%d retired keys are still in use: rotate less often", len(retired))
	}
	service, err := k.unwrapService(ctx, s.service)
	if err != nil {
		return Record{}, err
	}
	token, err := signKeySet(service, k.options.Audience, active.number, now.Add(k.options.KeySetLifetime), jwks,
		session.public.JWK())
	if err != nil {
		return Record{}, err
	}
	return encode(KindKeySet, keySetID, active.number, keySetRecord{Token: token, Retired: retired})
}

// ensureService creates the identity unless it exists.
func (k *Keyring) ensureService(ctx context.Context, s *snapshot) (*snapshot, error) {
	if s.service != nil {
		return s, nil
	}
	key, err := envelope.GenerateSigningKey()
	if err != nil {
		return nil, err
	}
	seed := key.Seed()
	defer clear(seed)
	wrapped, err := k.kms.Encrypt(ctx, seed, k.context(purposeService))
	if err != nil {
		return nil, fmt.Errorf("wrap service key: %w", err)
	}
	r, err := encode(KindService, serviceID, 1, serviceRecord{JWK: key.Public().JWK(), Wrapped: wrapped})
	if err != nil {
		return nil, err
	}
	after, err := k.create(ctx, s, r)
	if err == nil && after.service == nil {
		err = errors.New("the service key was not stored")
	}
	return after, err
}

// pairs returns the snapshot's pairs of a kind, and the purpose of their
// private halves.
func (s *snapshot) pairs(kind Kind) (byNumber map[int64]*serverKey, purpose string) {
	if kind == KindSession {
		return s.sessions, purposeSession
	}
	return s.servers, purposeServer
}

// ensurePair publishes the server key or session key of that number unless it
// exists.
func (k *Keyring) ensurePair(ctx context.Context, s *snapshot, kind Kind, number int64) (*snapshot, error) {
	there, purpose := s.pairs(kind)
	if there[number] != nil {
		return s, nil
	}
	key, err := envelope.GenerateDecryptionKey(k.options.ServerKeyBits)
	if err != nil {
		return nil, err
	}
	der, err := key.MarshalPKCS8()
	if err != nil {
		return nil, err
	}
	defer clear(der)
	wrapped, err := k.kms.Encrypt(ctx, der, k.context(purpose))
	if err != nil {
		return nil, fmt.Errorf("wrap %s key: %w", kind, err)
	}
	r, err := encode(kind, numberID(number), 1, serverRecord{
		JWK:     key.Public().JWK(),
		Created: k.now().Unix(),
		Wrapped: wrapped,
	})
	if err != nil {
		return nil, err
	}
	after, err := k.create(ctx, s, r)
	if err != nil {
		return nil, err
	}
	if stored, _ := after.pairs(kind); stored[number] == nil {
		return nil, fmt.Errorf("the %s key was not stored", kind)
	}
	return after, nil
}

// create writes the record unless another process does, and reads the stored
// one.
func (k *Keyring) create(ctx context.Context, s *snapshot, r Record) (*snapshot, error) {
	if err := k.store.Create(ctx, r); err != nil && !errors.Is(err, ErrConflict) {
		return nil, fmt.Errorf("store %s key: %w", r.Kind, err)
	}
	return k.reload(ctx, s)
}

// destroy deletes server keys that are below the key set's generation and not
// in it, session keys and wrapping keys that no connection needs, and data keys
// past their retention.
func (k *Keyring) destroy(ctx context.Context, s *snapshot) error {
	listed := map[int64]bool{}
	for _, r := range s.set.retired {
		listed[r.Number] = true
	}
	for number := range s.servers {
		if number >= s.generation() || listed[number] {
			continue
		}
		if err := k.store.Delete(ctx, KindServer, numberID(number)); err != nil {
			return fmt.Errorf("destroy server key %d: %w", number, err)
		}
	}
	for number, key := range s.sessions {
		if s.accepts(key, k.now(), sessionKeyGrace) {
			continue
		}
		if err := k.store.Delete(ctx, KindSession, numberID(number)); err != nil {
			return fmt.Errorf("destroy session key %d: %w", number, err)
		}
	}
	for number := range s.wraps {
		if !k.wrapPastUse(s, number) {
			continue
		}
		if err := k.store.Delete(ctx, KindWrap, numberID(number)); err != nil {
			return fmt.Errorf("destroy wrapping key %d: %w", number, err)
		}
	}
	for number := range s.data {
		if !k.dataPastRetention(s, number) {
			continue
		}
		if err := k.store.Delete(ctx, KindData, numberID(number)); err != nil {
			return fmt.Errorf("destroy data key %d: %w", number, err)
		}
	}
	_, err := k.reload(ctx, s) // drops the unwrapped keys from memory
	return err
}
