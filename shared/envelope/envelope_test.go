package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Keys are made once: an RSA key takes up to seconds.
var (
	deviceKey  = sync.OnceValue(func() *DecryptionKey { return must(GenerateDecryptionKey(2048)) })
	serviceKey = sync.OnceValue(func() *DecryptionKey { return must(GenerateDecryptionKey(3072)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSealedComesBack(t *testing.T) {
	for _, key := range []*DecryptionKey{deviceKey(), serviceKey()} {
		for _, plaintext := range []string{"", "x", strings.Repeat("sotto ", 5000)} {
			token, err := Seal(key.Public(), TypeSend, []byte(plaintext))
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := ParseSealed(token, TypeSend)
			if err != nil {
				t.Fatal(err)
			}
			if sealed.KID != key.Thumbprint() {
				t.Errorf("kid %q, want %q", sealed.KID, key.Thumbprint())
			}
			got, err := sealed.Open(key)
			if err != nil || string(got) != plaintext {
				t.Errorf("%d bits: opened %d bytes, %v; want %d bytes", key.Public().Bits(), len(got), err,
					len(plaintext))
			}
		}
	}
}

func TestSealingIsFresh(t *testing.T) {
	first := must(Seal(deviceKey().Public(), TypeSend, []byte("same")))
	second := must(Seal(deviceKey().Public(), TypeSend, []byte("same")))
	a, b := strings.Split(first, "."), strings.Split(second, ".")
	for i, part := range []string{"header", "encrypted key", "nonce", "ciphertext", "tag"} {
		if same := a[i] == b[i]; same != (part == "header") {
			t.Errorf("%s: equal in two tokens is %v", part, same)
		}
	}
}

func TestOpenNeedsItsOwnKey(t *testing.T) {
	sealed := must(ParseSealed(must(Seal(deviceKey().Public(), TypeSend, []byte("x"))), TypeSend))
	other := must(GenerateDecryptionKey(2048))
	for name, key := range map[string]*DecryptionKey{"another key": other, "another size": serviceKey()} {
		if got, err := sealed.Open(key); err != ErrEnvelope {
			t.Errorf("%s: %q, %v; want ErrEnvelope itself", name, got, err)
		}
	}
	// Even where the token names the other key, nothing else comes out.
	lying := *sealed
	lying.KID = other.Thumbprint()
	if got, err := lying.Open(other); err != ErrEnvelope {
		t.Errorf("%q, %v; want ErrEnvelope itself", got, err)
	}
}

func TestTypesAreSeparate(t *testing.T) {
	signing := must(GenerateSigningKey())
	signedTypes := []Type{TypeKeys, TypeHandshake, TypeLink, TypeMessage, TypeRotate, TypeRevoke}
	sealedTypes := []Type{TypeWelcome, TypeSend, TypeSealedMessage, TypeHistory, TypeRotated}
	for _, made := range signedTypes {
		token := must(Sign(signing, made, []byte(`{}`)))
		for _, want := range append(signedTypes, sealedTypes...) {
			if _, err := ParseSigned(token, want); (err == nil) != (made == want) {
				t.Errorf("%s read as %s: %v", made, want, err)
			}
		}
		if _, err := Seal(deviceKey().Public(), made, nil); !errors.Is(err, ErrEnvelope) {
			t.Errorf("sealed as %s: %v", made, err)
		}
	}
	for _, made := range sealedTypes {
		token := must(Seal(deviceKey().Public(), made, []byte(`{}`)))
		for _, want := range append(signedTypes, sealedTypes...) {
			if _, err := ParseSealed(token, want); (err == nil) != (made == want) {
				t.Errorf("%s read as %s: %v", made, want, err)
			}
		}
		if _, err := Sign(signing, made, nil); !errors.Is(err, ErrSignature) {
			t.Errorf("signed as %s: %v", made, err)
		}
	}
}

func TestSignedComesBack(t *testing.T) {
	key := must(GenerateSigningKey())
	claims := []byte(`{"v":1,"body":"<b>&amp; é 😀"}`)
	plain := must(Sign(key, TypeHandshake, claims))
	withKey := must(SignWithJWK(key, TypeHandshake, claims))
	for name, tc := range map[string]struct {
		token string
		jwk   VerifyKey
	}{"without key": {plain, VerifyKey{}}, "with key": {withKey, key.Public()}} {
		t.Run(name, func(t *testing.T) {
			signed, err := ParseSigned(tc.token, TypeHandshake)
			if err != nil {
				t.Fatal(err)
			}
			if signed.KID != key.Thumbprint() || signed.JWK != tc.jwk {
				t.Errorf("kid %q, jwk %v", signed.KID, signed.JWK)
			}
			if got, err := signed.Verify(key.Public()); err != nil || !bytes.Equal(got, claims) {
				t.Errorf("verified %q, %v", got, err)
			}
			for other, wrong := range map[string]VerifyKey{"no key": {},
				"another": must(GenerateSigningKey()).Public()} {
				if got, err := signed.Verify(wrong); !errors.Is(err, ErrSignature) || got != nil {
					t.Errorf("%s: %q, %v; want ErrSignature", other, got, err)
				}
			}
		})
	}
	if _, err := SignWithJWK(key, TypeMessage, claims); !errors.Is(err, ErrSignature) {
		t.Errorf("a message with a key in its header was made: %v", err)
	}
}

// Every single-character change of a token must be refused: base64 has no spare
// spellings here, and everything is covered by the signature or the tag.
func TestEveryCharacterCounts(t *testing.T) {
	key := must(GenerateSigningKey())
	signed := must(SignWithJWK(key, TypeHandshake, []byte(`{"v":1}`)))
	eachAltered(signed, func(at int, altered string) {
		if s, err := ParseSigned(altered, TypeHandshake); err == nil {
			if _, err := s.Verify(key.Public()); err == nil {
				t.Errorf("signed token altered at %d was accepted: %s", at, altered)
			}
		}
	})
	sealed := must(Seal(deviceKey().Public(), TypeSend, []byte("hi")))
	eachAltered(sealed, func(at int, altered string) {
		if s, err := ParseSealed(altered, TypeSend); err == nil {
			if _, err := s.Open(deviceKey()); err == nil {
				t.Errorf("sealed token altered at %d was accepted: %s", at, altered)
			}
		}
	})
}

func eachAltered(token string, check func(at int, altered string)) {
	for at := range len(token) {
		replacement := "A"
		if token[at] == 'A' {
			replacement = "B"
		}
		check(at, token[:at]+replacement+token[at+1:])
	}
	for _, tail := range []string{"\n", "\r\n", "=", ".", " ", "A", "\x00"} {
		check(len(token), token+tail)
		check(0, tail+token)
	}
	// The last character of each part may have unused bits; try all spellings.
	for end := range len(token) + 1 {
		if end == 0 || end < len(token) && token[end] != '.' || token[end-1] == '.' {
			continue
		}
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=" {
			if altered := token[:end-1] + string(c) + token[end:]; altered != token {
				check(end-1, altered)
			}
		}
	}
}

func TestSizesAreBounded(t *testing.T) {
	key := must(GenerateSigningKey())
	if _, err := Sign(key, TypeMessage, make([]byte, MaxSigned)); !errors.Is(err, ErrSignature) {
		t.Errorf("signed above the bound: %v", err)
	}
	if _, err := Seal(deviceKey().Public(), TypeHistory, make([]byte, MaxSealed)); !errors.Is(err, ErrEnvelope) {
		t.Errorf("sealed above the bound: %v", err)
	}
	if _, err := ParseSigned(strings.Repeat(".", MaxSigned), TypeMessage); !errors.Is(err, ErrSignature) {
		t.Errorf("dots: %v", err)
	}
	if _, err := ParseSealed(strings.Repeat(".", MaxSealed+1), TypeHistory); !errors.Is(err, ErrEnvelope) {
		t.Errorf("dots: %v", err)
	}

	// Sound tokens in all but their size.
	huge := rawSign(key, `{"alg":"EdDSA","kid":"`+key.Thumbprint()+`","typ":"sotto-message+jwt"}`,
		strings.Repeat("a", MaxSigned))
	if _, err := ParseSigned(huge, TypeMessage); !errors.Is(err, errSize) {
		t.Errorf("signed token of %d bytes: %v", len(huge), err)
	}
	to := deviceKey().Public()
	huge = raw{
		header: `{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"` + to.Thumbprint() + `","typ":"sotto-send+jwe"}`,
		to:     to,
		text:   make([]byte, MaxSealed),
	}.token()
	if _, err := ParseSealed(huge, TypeSend); !errors.Is(err, errSize) {
		t.Errorf("sealed token of %d bytes: %v", len(huge), err)
	}

	// The reason for MaxSealed: a page with one message as large as they get.
	largest := must(Sign(key, TypeMessage, make([]byte, 24_000)))
	page := fmt.Appendf(nil, `{"room":"lobby","epoch":%q,"messages":[{"jwk":%s,"jws":%q}]}`,
		strings.Repeat("e", 64), key.Public().JWK(), largest)
	if _, err := Seal(serviceKey().Public(), TypeHistory, page); err != nil {
		t.Errorf("a page with one message of %d bytes cannot be sealed: %v", len(largest), err)
	}
}

func TestPackedComesBack(t *testing.T) {
	key := must(GenerateSigningKey())
	for _, claims := range []string{"", "x", strings.Repeat("a", 200), strings.Repeat("long ", 4000)} {
		token := must(Sign(key, TypeMessage, []byte(claims)))
		packed, err := PackSigned(token)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := UnpackSigned(packed); err != nil || got != token {
			t.Errorf("%d bytes of claims: %q, %v", len(claims), got, err)
		}
		if len(packed)*4 > len(token)*3+16 {
			t.Errorf("%d bytes packed into %d", len(token), len(packed))
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	packed := must(PackSigned(must(Sign(must(GenerateSigningKey()), TypeMessage, []byte(`{}`)))))
	padded := append([]byte{packVersion, packed[1] | 0x80, 0}, packed[2:]...)
	for name, in := range map[string][]byte{
		"nothing":               nil,
		"version 0":             append([]byte{0}, packed[1:]...),
		"only a version":        packed[:1],
		"no signature":          packed[:70],
		"header past the end":   {packVersion, 0xff, 0x03},
		"endless varint":        bytes.Repeat([]byte{packVersion | 0x80}, 20),
		"varint with a spare 0": padded,
		"too large":             append(bytes.Clone(packed), make([]byte, MaxSigned)...),
	} {
		if got, err := UnpackSigned(in); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %q, %v; want ErrSignature", name, got, err)
		}
	}
}

func TestFormattingShowsNoSecrets(t *testing.T) {
	signing, decryption := must(GenerateSigningKey()), deviceKey()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, key := range []any{signing, *signing, decryption, *decryption} {
			got := fmt.Sprintf(verb, key)
			if !strings.HasSuffix(got, "]") || !strings.Contains(got, "private key") || len(got) > 80 {
				t.Errorf("%s of %T: %.200s", verb, key, got)
			}
		}
	}
	if got := fmt.Sprint(SigningKey{}, DecryptionKey{}); got != "[Ed25519 private key ] [RSA private key ]" {
		t.Errorf("zero values: %s", got)
	}
}
