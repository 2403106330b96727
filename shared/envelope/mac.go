package envelope

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/sotto-chat/sotto/shared/strict"
)

// SecretSize is the length of a session's secret in bytes: the plaintext of a
// TypeSession token.
const SecretSize = 32

// The labels separate the directions: a frame that is sent back to its maker
// does not verify.
const (
	labelToService = "sotto-v2 to-service"
	labelToClient  = "sotto-v2 to-client"
)

// The last bytes of an authenticated frame are macPrefix, macLen characters of
// base64url and macSuffix.
const (
	macPrefix = `,"mac":"`
	macSuffix = `"}`
	macSize   = 16 // bytes of HMAC-SHA-256
	macLen    = 22 // characters of base64url

	// MACSize is how many bytes Authenticate adds to a frame.
	MACSize = len(macPrefix) + macLen + len(macSuffix) - 1
)

// ErrMAC is the error of a frame without a valid `mac`.
var ErrMAC = errors.New("frame not authenticated")

// MACKey authenticates the frames of one direction of one session. Every format
// verb prints only that it is a key. It is safe for concurrent use.
type MACKey struct{ key [sha256.Size]byte }

// DeriveMACKeys derives the two keys of a session by HKDF-SHA-256 (RFC 5869).
// secret has SecretSize random bytes, nonce is that of the challenge, 32 bytes,
// and proof is the signed token that carries the sealed secret. The hash of the
// proof binds the keys to everything that it says: user, device, deployment.
// Error: ErrKey for a secret or nonce of another length.
func DeriveMACKeys(secret, nonce []byte, proof string) (toService, toClient *MACKey, err error) {
	if len(secret) != SecretSize || len(nonce) != SecretSize {
		return nil, nil, fmt.Errorf("%w: session secret or nonce of the wrong length", ErrKey)
	}
	hash := sha256.Sum256([]byte(proof))
	derive := func(label string) (*MACKey, error) {
		key, err := hkdf.Key(sha256.New, secret, nonce, label+"\x00"+string(hash[:]), sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("%w: derive: %w", ErrKey, err)
		}
		return MACKeyFromBytes(key)
	}
	if toService, err = derive(labelToService); err != nil {
		return nil, nil, err
	}
	if toClient, err = derive(labelToClient); err != nil {
		return nil, nil, err
	}
	return toService, toClient, nil
}

// MACKeyFromBytes restores a key from the result of Bytes. Error: ErrKey for a
// wrong length.
func MACKeyFromBytes(b []byte) (*MACKey, error) {
	k := new(MACKey)
	if len(b) != len(k.key) {
		return nil, fmt.Errorf("%w: MAC key of the wrong length", ErrKey)
	}
	copy(k.key[:], b)
	return k, nil
}

// Bytes returns the 32 bytes of the key, which its owner stores wrapped.
func (k *MACKey) Bytes() []byte { return bytes.Clone(k.key[:]) }

// Format keeps the key out of every formatted text.
func (k MACKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[MAC key]") }

// Authenticate adds the member `mac` at the end of a frame, which is a JSON
// object with at least one member and no `mac`. The MAC covers all bytes before
// it, so no second writer has to produce the same JSON. Error: ErrMAC if frame
// does not end like an object.
func (k *MACKey) Authenticate(frame []byte) ([]byte, error) {
	if len(frame) < 3 || frame[len(frame)-1] != '}' {
		return nil, fmt.Errorf("%w: not an object", ErrMAC)
	}
	covered := frame[:len(frame)-1]
	out := make([]byte, 0, len(frame)+MACSize)
	out = append(out, covered...)
	out = append(out, macPrefix...)
	out = append(out, k.mac(covered)...)
	return append(out, macSuffix...), nil
}

// Verify checks the MAC of a frame and that the frame is one JSON object whose
// `mac` is the one at its end. Error: ErrMAC.
func (k *MACKey) Verify(frame []byte) error {
	covered, mac, found := splitMAC(frame)
	if !found || !hmac.Equal(mac, k.mac(covered)) {
		return ErrMAC
	}
	var parsed struct {
		MAC string `json:"mac"`
	}
	if strict.Unmarshal(frame, &parsed) != nil || parsed.MAC != string(mac) {
		return ErrMAC
	}
	return nil
}

// HasMAC reports whether a frame ends like an authenticated one.
func HasMAC(frame []byte) bool {
	_, _, found := splitMAC(frame)
	return found
}

func splitMAC(frame []byte) (covered, mac []byte, found bool) {
	rest, ended := bytes.CutSuffix(frame, []byte(macSuffix))
	if !ended || len(rest) < macLen {
		return nil, nil, false
	}
	rest, mac = rest[:len(rest)-macLen], rest[len(rest)-macLen:]
	covered, found = bytes.CutSuffix(rest, []byte(macPrefix))
	return covered, mac, found
}

// mac returns the characters of the MAC. They are compared as characters, so
// that no second spelling of its last ones is accepted.
func (k *MACKey) mac(covered []byte) []byte {
	h := hmac.New(sha256.New, k.key[:])
	h.Write(covered)
	return base64url.AppendEncode(nil, h.Sum(nil)[:macSize])
}
