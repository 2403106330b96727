package envelope

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// seed gives the fuzzer every vector of the folders.
func seed(f *testing.F, folders ...string) {
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
		if err != nil || len(files) == 0 {
			f.Fatalf("no vectors in %s: %v", folder, err)
		}
		for _, file := range files {
			v := readVector(f, file)
			f.Add(v.Token + v.JWK)
		}
	}
}

// An accepted token is its own only spelling: encoding its decoded parts again
// gives the same text, and so does packing.
func FuzzParseSigned(f *testing.F) {
	seed(f, "signed", "refused-signed")
	f.Fuzz(func(t *testing.T, token string) {
		for _, typ := range []Type{TypeMessage, TypeHandshake} {
			s, err := ParseSigned(token, typ)
			if err != nil {
				continue
			}
			if !isThumbprint(s.KID) || !s.JWK.IsZero() && s.JWK.Thumbprint() != s.KID {
				t.Errorf("kid %q with key %v", s.KID, s.JWK)
			}
			if !s.JWK.IsZero() && !typ.mayCarryKey() {
				t.Errorf("a key in a %s", typ)
			}
			packed, err := PackSigned(token)
			if err != nil {
				t.Fatalf("accepted but cannot be packed: %v", err)
			}
			if again, err := UnpackSigned(packed); err != nil || again != token {
				t.Errorf("packed and unpacked to %q, %v", again, err)
			}
			if !s.JWK.IsZero() {
				_, _ = s.Verify(s.JWK) // must not panic
			}
		}
	})
}

func FuzzParseSealed(f *testing.F) {
	seed(f, "sealed", "refused-sealed")
	f.Fuzz(func(t *testing.T, token string) {
		s, err := ParseSealed(token, TypeSend)
		if err != nil {
			return
		}
		if !isThumbprint(s.KID) {
			t.Errorf("kid %q", s.KID)
		}
		parts := strings.Split(token, ".")
		for i, part := range parts {
			parts[i] = base64url.EncodeToString(must(decode(part)))
		}
		if strings.Join(parts, ".") != token {
			t.Error("a second spelling was accepted")
		}
	})
}

// A key that is accepted has one canonical form, which is accepted too.
func FuzzParseKeys(f *testing.F) {
	seed(f, "jwk", "refused-jwk")
	f.Fuzz(func(t *testing.T, jwk string) {
		if k, err := ParseVerifyKey([]byte(jwk)); err == nil {
			if again, err := ParseVerifyKey(k.JWK()); err != nil || again != k {
				t.Errorf("canonical form: %v, %v", again, err)
			}
		}
		if k, err := ParseEncryptionKey([]byte(jwk)); err == nil {
			again, err := ParseEncryptionKey(k.JWK())
			if err != nil || !bytes.Equal(again.JWK(), k.JWK()) {
				t.Errorf("canonical form: %v", err)
			}
			if _, err := Seal(k, TypeWelcome, []byte("x")); err != nil {
				t.Errorf("accepted but cannot be sealed to: %v", err)
			}
		}
	})
}

func FuzzUnpackSigned(f *testing.F) {
	f.Add(must(PackSigned(must(Sign(must(GenerateSigningKey()), TypeMessage, []byte(`{}`))))))
	f.Fuzz(func(t *testing.T, packed []byte) {
		token, err := UnpackSigned(packed)
		if err != nil {
			return
		}
		if again, err := PackSigned(token); err != nil || !bytes.Equal(again, packed) {
			t.Errorf("packed again to %x, %v", again, err)
		}
	})
}
