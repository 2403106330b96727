package envelope

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
)

// packVersion opens every packed token, so that a later form can be told apart.
const packVersion = 1

// PackSigned turns a compact JWS into its bytes without base64, about three
// quarters of the size: a version byte, the header's length as a varint, the
// header, the payload and, last, the 64 bytes of the signature. UnpackSigned
// restores the token to the letter, which is possible only because ParseSigned
// accepts canonical base64url alone. It checks form, not signature;
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

// UnpackSigned restores the token that PackSigned took; ErrSignature for bytes
// that it cannot have made. The token is as little trusted as before.
func UnpackSigned(packed []byte) (string, error) {
	if len(packed) == 0 || packed[0] != packVersion {
		return "", fmt.Errorf("%w: unpack: unknown version", ErrSignature)
	}
	rest := packed[1:]
	headerLen, n := binary.Uvarint(rest)
	// The comparison with the varint's canonical length keeps one packed form
	// for one token.
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
