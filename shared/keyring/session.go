package keyring

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/envelope"
)

// ErrMAC means that a frame was not authenticated under its session's key.
var ErrMAC = errors.New("the frame is not authenticated")

const (
	// sessionKeyGrace is how long a retired session key still opens: a
	// challenge lives for two minutes, and clocks differ.
	sessionKeyGrace = clockSlack

	// wrapKeyLife is how long a wrapping key is kept after another has replaced
	// it: the rows of a connection need it as long as the connection lives, and
	// an instance may wrap under it until it has read the new one.
	wrapKeyLife = connectionLifetime + 2*clockSlack
)

// The additional data of wrapped MAC keys begins with the direction, so that a
// key in a listener's row, which is for deliveries, does not check what clients
// send.
const (
	wrapToService = "to-service|"
	wrapToClient  = "to-client|"
)

// SessionKeys are the two MAC keys of a session, wrapped under a wrapping key.
type SessionKeys struct{ ToService, ToClient []byte }

// OpenSession opens the secret of a session, a token of TypeSession, derives
// the session's MAC keys (protocol §4) and wraps them. nonce and proof are
// those of the handshake; place identifies the session's connection and is
// authenticated with the wrapped keys. The caller must have verified the proof,
// since this takes an RSA operation. Errors: envelope.ErrEnvelope; ErrStaleKey
// if the session key is unknown or destroyed.
func (k *Keyring) OpenSession(ctx context.Context, token string, nonce []byte, proof string,
	place []byte) (SessionKeys, error) {
	sealed, err := envelope.ParseSealed(token, envelope.TypeSession)
	if err != nil {
		return SessionKeys{}, err
	}
	key, err := k.find(ctx, sealed.KID, sessionKeyGrace,
		func(s *snapshot) *serverKey { return s.sessionByKID[sealed.KID] })
	if err != nil {
		return SessionKeys{}, err
	}
	private, err := k.unwrapSession(ctx, key)
	if err != nil {
		return SessionKeys{}, err
	}
	secret, err := sealed.Open(private)
	if err != nil {
		return SessionKeys{}, err
	}
	defer clear(secret)
	toService, toClient, err := envelope.DeriveMACKeys(secret, nonce, proof)
	if err != nil { // the secret's length; the nonce is the service's own
		return SessionKeys{}, envelope.ErrEnvelope
	}
	var keys SessionKeys
	if keys.ToService, err = k.wrapMAC(ctx, toService, wrapToService, place); err != nil {
		return SessionKeys{}, err
	}
	keys.ToClient, err = k.wrapMAC(ctx, toClient, wrapToClient, place)
	return keys, err
}

// CheckFrame checks the MAC of a client's frame under the session's wrapped
// key. Errors: ErrMAC; ErrAtRest if the key cannot be unwrapped for that place.
func (k *Keyring) CheckFrame(ctx context.Context, toService, place, frame []byte) error {
	if !envelope.HasMAC(frame) {
		return ErrMAC
	}
	key, err := k.unwrapMAC(ctx, toService, wrapToService, place)
	if err != nil {
		return err
	}
	if key.Verify(frame) != nil {
		return ErrMAC
	}
	return nil
}

// AuthenticateFrame adds the MAC to a frame for a client under the session's
// wrapped key. It uses the database and KMS only for a wrapping key that this
// instance has not used before. Error: ErrAtRest if the key cannot be unwrapped
// for that place.
func (k *Keyring) AuthenticateFrame(ctx context.Context, toClient, place, frame []byte) ([]byte, error) {
	key, err := k.unwrapMAC(ctx, toClient, wrapToClient, place)
	if err != nil {
		return nil, err
	}
	return key.Authenticate(frame)
}

// unwrapSession returns a session key's private half, from memory after the
// first time.
func (k *Keyring) unwrapSession(ctx context.Context, key *serverKey) (*envelope.DecryptionKey, error) {
	private, err := k.unwrapPair(ctx, key, k.sessionKeys, purposeSession)
	if err != nil {
		return nil, fmt.Errorf("unwrap session key %d: %w", key.number, err)
	}
	return private, nil
}

// wrapMAC encrypts a MAC key for the database: the wrapping key's number as a
// varint, then what the AEAD makes.
func (k *Keyring) wrapMAC(ctx context.Context, key *envelope.MACKey, direction string, place []byte) ([]byte, error) {
	s, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	if s.newestWrap == nil {
		return nil, ErrNoKeySet
	}
	wrapping, err := k.unwrapWrap(ctx, s.newestWrap)
	if err != nil {
		return nil, err
	}
	plain := key.Bytes()
	defer clear(plain)
	number := binary.AppendUvarint(nil, uint64(s.newestWrap.number))
	return wrapping.aead.Seal(number, nil, plain, append([]byte(direction), place...)), nil
}

// unwrapMAC is the inverse. It does not read the snapshot: most functions need
// no other key and may read no other record.
func (k *Keyring) unwrapMAC(ctx context.Context, wrapped []byte, direction string,
	place []byte) (*envelope.MACKey, error) {
	number, n := binary.Uvarint(wrapped)
	if n <= 0 {
		return nil, fmt.Errorf("%w: no wrapped MAC key", ErrAtRest)
	}
	wrapping, err := k.wrapKey(ctx, numberID(int64(number)))
	if err != nil {
		return nil, err
	}
	plain, err := wrapping.aead.Open(nil, nil, wrapped[n:], append([]byte(direction), place...))
	if err != nil {
		return nil, ErrAtRest
	}
	defer clear(plain)
	return envelope.MACKeyFromBytes(plain)
}

// wrapKey returns the wrapping key of that id, from memory after the first
// time.
func (k *Keyring) wrapKey(ctx context.Context, id string) (*dataKey, error) {
	if key := k.wrapKeys.peek(id); key != nil {
		return key, nil
	}
	r, err := k.store.Get(ctx, KindWrap, id)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%w: its wrapping key does not exist", ErrAtRest)
	}
	if err != nil {
		return nil, fmt.Errorf("read wrapping key: %w", err)
	}
	d, err := decodeData(r)
	if err != nil {
		return nil, err
	}
	return k.unwrapWrap(ctx, d)
}

// unwrapWrap returns a wrapping key in clear, from memory after the first time.
func (k *Keyring) unwrapWrap(ctx context.Context, d *wrappedData) (*dataKey, error) {
	return k.unwrapSymmetric(ctx, d, k.wrapKeys, purposeWrap)
}

// ensureWrap makes the wrapping key of a generation unless it exists.
func (k *Keyring) ensureWrap(ctx context.Context, s *snapshot, generation int64) (*snapshot, error) {
	if s.newestWrap != nil && s.newestWrap.generation >= generation {
		return s, nil
	}
	number := int64(1)
	if s.newestWrap != nil {
		number = s.newestWrap.number + 1
	}
	after, err := k.makeSymmetric(ctx, s, KindWrap, number, generation)
	if err == nil && after.wraps[number] == nil {
		err = errors.New("the wrapping key was not stored")
	}
	return after, err
}

// wrapPastUse reports whether no row needs the wrapping key any more.
func (k *Keyring) wrapPastUse(s *snapshot, number int64) bool {
	next := successor(s.wraps, number)
	return next != nil && k.now().Sub(next.created) > wrapKeyLife
}

// unwrapSymmetric returns a data key or wrapping key in clear, from memory
// after the first time.
func (k *Keyring) unwrapSymmetric(ctx context.Context, d *wrappedData, in secrets[dataKey],
	purpose string) (*dataKey, error) {
	return in.get(ctx, numberID(d.number), func() (*dataKey, error) {
		plaintext, err := k.kms.Decrypt(ctx, d.wrapped, k.context(purpose))
		if err != nil {
			return nil, fmt.Errorf("unwrap %s %d: %w", purpose, d.number, err)
		}
		key, err := newDataKey(plaintext)
		if err != nil {
			return nil, fmt.Errorf("unwrap %s %d: %w", purpose, d.number, err)
		}
		return key, nil
	})
}

// makeSymmetric stores a new data key or wrapping key of that number. If
// several processes make the same number, one wins and the others use its key.
func (k *Keyring) makeSymmetric(ctx context.Context, s *snapshot, kind Kind,
	number, generation int64) (*snapshot, error) {
	purpose := map[Kind]string{KindData: purposeData, KindWrap: purposeWrap}[kind]
	plaintext, blob, err := k.kms.GenerateDataKey(ctx, k.context(purpose))
	if err != nil {
		return nil, fmt.Errorf("generate %s: %w", purpose, err)
	}
	// The clear form is not used: only a key that was read from the store and
	// unwrapped by KMS is certain to open again what it sealed.
	clear(plaintext)
	r, err := encode(kind, numberID(number), 1, dataRecord{
		Created:    k.now().Unix(),
		Generation: generation,
		Wrapped:    blob,
	})
	if err != nil {
		return nil, err
	}
	return k.create(ctx, s, r)
}
