package envelope

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/sotto-chat/sotto/shared/strict"
)

// thumbprintLen is the length of a kid: 32 bytes in unpadded base64url.
const thumbprintLen = 43

var (
	errBase64 = errors.New("not canonical base64url")
	errParts  = errors.New("wrong number of parts")
	errHeader = errors.New("header outside the profile")
	errTyp    = errors.New("another typ")
	errSize   = errors.New("too large")
)

// base64url is strict about the unused bits of the last character. Otherwise
// one token would have up to sixteen spellings.
var base64url = base64.RawURLEncoding.Strict()

// decode reads canonical unpadded base64url. encoding/base64 skips CR and LF
// even in strict mode, so decode checks the length, too.
func decode(s string) ([]byte, error) {
	b, err := base64url.DecodeString(s)
	if err != nil || base64url.EncodedLen(len(b)) != len(s) {
		return nil, errBase64
	}
	return b, nil
}

// decodeParts splits a compact token of at most size bytes into its n parts.
// It counts the dots before it splits, so that a token of nothing but dots
// costs no memory.
func decodeParts(token string, n, size int) ([][]byte, error) {
	if len(token) > size {
		return nil, errSize
	}
	if strings.Count(token, ".") != n-1 {
		return nil, errParts
	}
	parts := make([][]byte, 0, n)
	for part := range strings.SplitSeq(token, ".") {
		b, err := decode(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, b)
	}
	return parts, nil
}

// members is a JSON object whose set of members is checked.
type members map[string]any

func decodeMembers(data []byte) (members, error) {
	var m members
	if err := strict.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// hasExactly reports whether the object has exactly the named members.
func (m members) hasExactly(names ...string) bool {
	if len(m) != len(names) {
		return false
	}
	for _, name := range names {
		if _, ok := m[name]; !ok {
			return false
		}
	}
	return true
}

// str returns a string member, or "" for a member of another kind. No member of
// the profile is an empty string.
func (m members) str(name string) string {
	s, _ := m[name].(string)
	return s
}

// isThumbprint reports whether s has the form of a SHA-256 thumbprint.
func isThumbprint(s string) bool {
	if len(s) != thumbprintLen {
		return false
	}
	_, err := decode(s)
	return err == nil
}

// thumbprint hashes the required members of a JWK in their canonical text
// (RFC 7638 §3): lexicographic order, no white space.
func thumbprint(canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	return base64url.EncodeToString(sum[:])
}
