package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"
)

func readWycheproof[Group any](t *testing.T, file string) []Group {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ TestGroups []Group }
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.TestGroups) == 0 {
		t.Fatalf("%s has no tests", file)
	}
	return doc.TestGroups
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Wycheproof's OAEP ciphertexts become the encrypted keys of tokens whose
// content is sealed under the message they hold. A token must open when the
// vector is valid, has no label and holds 32 bytes, and else fail.
func TestWycheproofOAEP(t *testing.T) {
	type group struct {
		PrivateKeyPkcs8 string
		PrivateKeyJwk   json.RawMessage
		Tests           []struct {
			TcID                            int
			Comment, Msg, CT, Label, Result string
		}
	}
	for _, file := range []string{"rsa_oaep_2048_sha256_mgf1sha256_test.json",
		"rsa_oaep_3072_sha256_mgf1sha256_test.json"} {
		opened, refused := 0, 0
		for _, g := range readWycheproof[group](t, file) {
			key, err := ParseDecryptionKey(unhex(t, g.PrivateKeyPkcs8))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseEncryptionKey(g.PrivateKeyJwk); !errors.Is(err, ErrKey) {
				t.Errorf("%s: private JWK taken as a public one: %v", file, err)
			}
			for _, v := range g.Tests {
				message, wrapped := unhex(t, v.Msg), unhex(t, v.CT)
				contentKey := make([]byte, 32)
				copy(contentKey, message)
				token := raw{
					header: `{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"` + key.Thumbprint() +
						`","typ":"sotto-send+jwe"}`,
					to:   key.Public(),
					key:  contentKey,
					wrap: wrapped,
					text: []byte("text"),
				}.token()
				want := v.Result == "valid" && v.Label == "" && len(message) == 32
				var got []byte
				sealed, err := ParseSealed(token, TypeSend)
				if err == nil {
					got, err = sealed.Open(key)
				}
				if (err == nil) != want || want && string(got) != "text" {
					t.Errorf("%s %d (%s): opened %q, %v; want it to open: %v", file, v.TcID, v.Comment, got, err, want)
				}
				if err != nil && !errors.Is(err, ErrEnvelope) {
					t.Errorf("%s %d: %v, want ErrEnvelope", file, v.TcID, err)
				}
				if want {
					opened++
				} else {
					refused++
				}
			}
		}
		if opened == 0 || refused < 20 {
			t.Errorf("%s: %d to open and %d to refuse tested too little", file, opened, refused)
		}
	}
}

// None of Wycheproof's tokens names one of our types, so all are refused, the
// valid ones of other profiles included, whatever type they are read as.
func TestWycheproofTokens(t *testing.T) {
	type group struct {
		Tests []struct {
			TcID     int
			JWE, JWS json.RawMessage // a compact token, or an object
		}
	}
	tested := 0
	for _, file := range []string{"json_web_encryption_test.json", "json_web_signature_test.json",
		"json_web_crypto_test.json", "json_web_key_test.json"} {
		for _, g := range readWycheproof[group](t, file) {
			for _, v := range g.Tests {
				for _, text := range []json.RawMessage{v.JWE, v.JWS} {
					if text == nil {
						continue
					}
					token := string(text)
					_ = json.Unmarshal(text, &token)
					tested++
					if _, err := ParseSealed(token, TypeSend); !errors.Is(err, ErrEnvelope) {
						t.Errorf("%s %d taken as sealed: %v", file, v.TcID, err)
					}
					if _, err := ParseSigned(token, TypeHandshake); !errors.Is(err, ErrSignature) {
						t.Errorf("%s %d taken as signed: %v", file, v.TcID, err)
					}
				}
			}
		}
	}
	if tested < 600 {
		t.Errorf("only %d tokens tested", tested)
	}
}

// Wycheproof signs messages and not tokens: its keys go through this package,
// and its signatures through the primitive that go-jose calls, whose strictness
// (one S, one encoding of R) this package's argument rests on.
func TestWycheproofEd25519(t *testing.T) {
	type group struct {
		PublicKey    struct{ PK string }
		PublicKeyJwk json.RawMessage
		Tests        []struct {
			TcID                      int
			Comment, Msg, Sig, Result string
		}
	}
	valid, invalid := 0, 0
	for _, g := range readWycheproof[group](t, "ed25519_test.json") {
		point := unhex(t, g.PublicKey.PK)
		key, err := VerifyKeyFromBytes(point)
		if err != nil {
			t.Errorf("key %s: %v", g.PublicKey.PK, err)
			continue
		}
		if !bytes.Equal(key.Bytes(), point) {
			t.Errorf("key %s came back as %x", g.PublicKey.PK, key.Bytes())
		}
		// Their kid is "none".
		if _, err := ParseVerifyKey(g.PublicKeyJwk); !errors.Is(err, ErrKey) {
			t.Errorf("key %s with a foreign kid: %v", g.PublicKey.PK, err)
		}
		jwk := strings.Replace(string(g.PublicKeyJwk), `"none"`, `"`+key.Thumbprint()+`"`, 1)
		if got, err := ParseVerifyKey([]byte(jwk)); err != nil || got != key {
			t.Errorf("key %s as JWK: %v", g.PublicKey.PK, err)
		}
		for _, v := range g.Tests {
			want := v.Result == "valid"
			if got := ed25519.Verify(key.Bytes(), unhex(t, v.Msg), unhex(t, v.Sig)); got != want {
				t.Errorf("%d (%s): verified %v, want %v", v.TcID, v.Comment, got, want)
			}
			if want {
				valid++
			} else {
				invalid++
			}
		}
	}
	if valid < 50 || invalid < 50 {
		t.Errorf("%d valid and %d invalid signatures tested too little", valid, invalid)
	}
}
