package keyring

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
)

// dataKey is an unwrapped data key.
type dataKey struct{ aead cipher.AEAD }

// Format keeps the key out of every formatted text.
func (dataKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[data key]") }

// newDataKey takes 32 bytes and clears them. The AEAD draws a random 96-bit
// nonce for each text and puts it in front of the ciphertext: many instances
// encrypt under one key, and a counter would need all of them to agree. The
// number of texts for which that is safe bounds the key's life: see
// DefaultDataKeyAge.
func newDataKey(plaintext []byte) (*dataKey, error) {
	defer clear(plaintext)
	if len(plaintext) != 32 {
		return nil, errors.New("not of 32 bytes")
	}
	block, err := aes.NewCipher(plaintext)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &dataKey{aead: aead}, nil
}

// SealAtRest encrypts a text for the database under the newest data key. It
// makes a data key if there is none or the newest is as old as DataKeyAge. aad
// identifies what the text belongs to; it is authenticated and not stored. The
// ciphertext is nonce, text and tag, 28 bytes longer than the text. OpenAtRest
// needs the returned id of the data key.
func (k *Keyring) SealAtRest(ctx context.Context,
	plaintext, aad []byte) (dataKeyID string, ciphertext []byte, err error) {
	s, err := k.current(ctx)
	if err != nil {
		return "", nil, err
	}
	newest := s.newest
	if !k.fit(newest) {
		if newest, err = k.renewData(ctx); err != nil {
			return "", nil, err
		}
	}
	key, err := k.unwrapData(ctx, newest)
	if err != nil {
		return "", nil, err
	}
	return numberID(newest.number), key.aead.Seal(nil, nil, plaintext, aad), nil
}

// lastingKey is the number of the data key that is never destroyed.
const lastingKey = 0

// SealLasting is SealAtRest for what does not expire: its data key is never
// destroyed. Use it for few and small texts, since AES-GCM with random nonces
// bounds how many one key may encrypt (see DefaultDataKeyAge).
func (k *Keyring) SealLasting(ctx context.Context,
	plaintext, aad []byte) (dataKeyID string, ciphertext []byte, err error) {
	s, err := k.current(ctx)
	if err != nil {
		return "", nil, err
	}
	wrapped := s.data[lastingKey]
	if wrapped == nil {
		if wrapped, err = k.makeLasting(ctx); err != nil {
			return "", nil, err
		}
	}
	key, err := k.unwrapData(ctx, wrapped)
	if err != nil {
		return "", nil, err
	}
	return numberID(lastingKey), key.aead.Seal(nil, nil, plaintext, aad), nil
}

// makeLasting returns the lasting data key, making it unless another process
// has.
func (k *Keyring) makeLasting(ctx context.Context) (*wrappedData, error) {
	if err := k.changing.enter(ctx); err != nil {
		return nil, fmt.Errorf("make the lasting data key: %w", err)
	}
	defer k.changing.leave()
	s, err := k.current(ctx)
	if err == nil && s.data[lastingKey] == nil {
		s, err = k.reload(ctx, s)
	}
	if err == nil && s.data[lastingKey] == nil {
		s, err = k.makeData(ctx, s, lastingKey)
	}
	if err != nil {
		return nil, fmt.Errorf("make the lasting data key: %w", err)
	}
	return s.data[lastingKey], nil
}

// OpenAtRest decrypts what SealAtRest or SealLasting encrypted. Error:
// ErrAtRest if the data key is unknown or destroyed, or if anything differs
// from what was sealed.
func (k *Keyring) OpenAtRest(ctx context.Context, dataKeyID string, ciphertext, aad []byte) ([]byte, error) {
	wrapped, err := k.findData(ctx, dataKeyID)
	if err != nil {
		return nil, err
	}
	key, err := k.unwrapData(ctx, wrapped)
	if err != nil {
		return nil, err
	}
	plaintext, err := key.aead.Open(nil, nil, ciphertext, aad)
	if err != nil {
		return nil, ErrAtRest
	}
	return plaintext, nil
}

// fit reports whether a data key may encrypt more texts.
func (k *Keyring) fit(d *wrappedData) bool {
	return d != nil && k.now().Sub(d.created) < k.options.DataKeyAge
}

// findData finds a data key, in the store if this instance has not read it yet.
// The id comes from the database, never from a client.
func (k *Keyring) findData(ctx context.Context, id string) (*wrappedData, error) {
	number, err := parseNumber(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAtRest, err)
	}
	s, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	if d := s.data[number]; d != nil {
		return d, nil
	}
	r, err := k.store.Get(ctx, KindData, id)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%w: its data key does not exist", ErrAtRest)
	}
	if err != nil {
		return nil, fmt.Errorf("read data key: %w", err)
	}
	return decodeData(r)
}

// unwrapData returns a data key in clear, from memory after the first time.
func (k *Keyring) unwrapData(ctx context.Context, d *wrappedData) (*dataKey, error) {
	return k.unwrapSymmetric(ctx, d, k.dataKeys, purposeData)
}

// renewData returns a fit data key, making one unless another process has.
func (k *Keyring) renewData(ctx context.Context) (*wrappedData, error) {
	if err := k.changing.enter(ctx); err != nil {
		return nil, fmt.Errorf("renew data key: %w", err)
	}
	defer k.changing.leave()
	s, err := k.current(ctx)
	if err == nil && !k.fit(s.newest) {
		s, err = k.reload(ctx, s)
	}
	if err == nil && !k.fit(s.newest) {
		s, err = k.makeData(ctx, s, s.nextData())
	}
	if err != nil {
		return nil, fmt.Errorf("renew data key: %w", err)
	}
	return s.newest, nil
}

// nextData returns the number that follows the newest data key's.
func (s *snapshot) nextData() int64 {
	if s.newest == nil {
		return lastingKey + 1
	}
	return s.newest.number + 1
}

// makeData stores the data key of a number.
func (k *Keyring) makeData(ctx context.Context, s *snapshot, number int64) (*snapshot, error) {
	after, err := k.makeSymmetric(ctx, s, KindData, number, s.generation())
	if err == nil && after.data[number] == nil {
		err = errors.New("the data key was not stored")
	}
	return after, err
}

// dataPastRetention reports whether everything sealed under the data key is
// past its retention: the key that replaced it is older than that.
func (k *Keyring) dataPastRetention(s *snapshot, number int64) bool {
	if k.options.DataKeyRetention <= 0 || number == lastingKey || number == s.newest.number {
		return false
	}
	return k.now().Sub(successor(s.data, number).created) > k.options.DataKeyRetention+k.options.DataKeyAge
}

// successor returns the key that replaced the one of that number, or nil.
func successor(keys map[int64]*wrappedData, number int64) (next *wrappedData) {
	for n, d := range keys {
		if n > number && (next == nil || n < next.number) {
			next = d
		}
	}
	return next
}
