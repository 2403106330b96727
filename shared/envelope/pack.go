package envelope

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
)

// packVersion is the first byte of every packed token, which distinguishes it
// from later forms.
const packVersion = 1

// PackSigned returns a compact JWS without base64, about three quarters of its
// size: a version byte, the header's length as a varint, the header, the
// payload and the 64 bytes of the signature. UnpackSigned restores exactly the
// same token, which is possible because ParseSigned accepts only canonical
// base64url. PackSigned checks the form and not the signature. Error:
// ErrSignature.
func PackSigned(token string) ([]byte, error) {
	parts, err := decodeParts(token, 3, MaxSigned)
	if err != nil {
		return nil, fmt.Errorf("%w: pack: %w", ErrSignature, err)
	}
	header, payload, signature := parts[0], parts[1], parts[2]
	if len(header) > maxHeader || len(signature) != ed25519.SignatureSize {
		return nil, fmt.Errorf("%w: pack: part of the wrong length", ErrSignature)
	}
	packed := make([]byte, 0, 1+binary.MaxVarintLen16+len(header)+len(payload)+len(signature))
	packed = append(packed, packVersion)
	packed = binary.AppendUvarint(packed, uint64(len(header)))
	packed = append(packed, header...)
	packed = append(packed, payload...)
	return append(packed, signature...), nil
}

// UnpackSigned restores the token that was passed to PackSigned. The signature
// must still be verified. Error: ErrSignature for bytes that PackSigned cannot
// have made.
func UnpackSigned(packed []byte) (string, error) {
	if len(packed) == 0 || packed[0] != packVersion {
		return "", fmt.Errorf("%w: unpack: unknown version", ErrSignature)
	}
	rest := packed[1:]
	headerLen, n := binary.Uvarint(rest)
	// The varint must have its canonical length, so that one token has one
	// packed form.
	if n <= 0 || headerLen > maxHeader || n != len(binary.AppendUvarint(nil, headerLen)) {
		return "", fmt.Errorf("%w: unpack: bad header length", ErrSignature)
	}
	rest = rest[n:]
	if uint64(len(rest)) < headerLen+ed25519.SignatureSize {
		return "", fmt.Errorf("%w: unpack: too short", ErrSignature)
	}
	header, rest := rest[:headerLen], rest[headerLen:]
	payload, signature := rest[:len(rest)-ed25519.SignatureSize], rest[len(rest)-ed25519.SignatureSize:]
	token := base64url.EncodeToString(header) + "." +
		base64url.EncodeToString(payload) + "." + base64url.EncodeToString(signature)
	if len(token) > MaxSigned {
		return "", fmt.Errorf("%w: unpack: %w", ErrSignature, errSize)
	}
	return token, nil
}
