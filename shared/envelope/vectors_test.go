package envelope

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The vectors in testdata are one JSON file each and belong to every
// implementation of the protocol. Folders:
//
//	keys            private keys that the others name by their file's name
//	jwk             public keys to accept, with canonical form and thumbprint
//	signed, sealed  tokens to accept
//	refused-jwk, refused-signed, refused-sealed
//	                what must be refused, why, and at which stage: "parse" is
//	                before any cryptography, "open" is after it
//
// frames.json has keys of sessions and authenticated frames, safety.json has
// safety numbers, links.json requests to link a device (read by
// the web client), of which those without a user must be refused.
type vector struct {
	Comment string `json:"comment"`

	// Keys.
	Kind       string `json:"kind,omitempty"`  // "Ed25519" or "RSA"
	Seed       string `json:"seed,omitempty"`  // base64url
	PKCS8      string `json:"pkcs8,omitempty"` // base64url
	JWK        string `json:"jwk,omitempty"`   // the text that is read
	Canonical  string `json:"canonical,omitempty"`
	Thumbprint string `json:"thumbprint,omitempty"`

	// Tokens.
	Key     string `json:"key,omitempty"`
	Typ     Type   `json:"typ,omitempty"`
	Carries bool   `json:"carriesJWK,omitempty"` // the header has jwk
	Token   string `json:"token,omitempty"`
	Text    string `json:"text,omitempty"`   // claims or plaintext; absent where empty
	Packed  string `json:"packed,omitempty"` // base64url of PackSigned
	Stage   string `json:"stage,omitempty"`  // "parse" or "open"
}

func eachVector(t *testing.T, folder string, check func(t *testing.T, v vector)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(folder+"/"+strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			check(t, readVector(t, file))
		})
	}
}

func readVector(t testing.TB, file string) vector {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

func vectorSigningKey(t *testing.T, name string) *SigningKey {
	t.Helper()
	v := readVector(t, filepath.Join("testdata", "keys", name+".json"))
	return must(SigningKeyFromSeed(must(decode(v.Seed))))
}

func vectorDecryptionKey(t *testing.T, name string) *DecryptionKey {
	t.Helper()
	v := readVector(t, filepath.Join("testdata", "keys", name+".json"))
	return must(ParseDecryptionKey(must(decode(v.PKCS8))))
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	eachVector(t, "keys", checkKey)
	eachVector(t, "jwk", checkJWK)
	eachVector(t, "signed", checkSigned)
	eachVector(t, "sealed", checkSealed)
	eachVector(t, "refused-jwk", checkRefusedJWK)
	eachVector(t, "refused-signed", checkRefusedSigned)
	eachVector(t, "refused-sealed", checkRefusedSealed)
}

func checkKey(t *testing.T, v vector) {
	var jwk []byte
	var kid string
	switch v.Kind {
	case "Ed25519":
		k := must(SigningKeyFromSeed(must(decode(v.Seed))))
		jwk, kid = k.Public().JWK(), k.Thumbprint()
		if got := base64url.EncodeToString(k.Seed()); got != v.Seed {
			t.Errorf("seed %s, want %s", got, v.Seed)
		}
	case "RSA":
		k := must(ParseDecryptionKey(must(decode(v.PKCS8))))
		jwk, kid = k.Public().JWK(), k.Thumbprint()
		if got := base64url.EncodeToString(must(k.MarshalPKCS8())); got != v.PKCS8 {
			t.Error("PKCS #8 does not come back as it was")
		}
	default:
		t.Fatalf("unknown kind %q", v.Kind)
	}
	if string(jwk) != v.Canonical || kid != v.Thumbprint {
		t.Errorf("%s %s, want %s %s", kid, jwk, v.Thumbprint, v.Canonical)
	}
}

func checkJWK(t *testing.T, v vector) {
	var jwk []byte
	var kid string
	switch v.Kind {
	case "Ed25519":
		k, err := ParseVerifyKey([]byte(v.JWK))
		if err != nil {
			t.Fatal(err)
		}
		jwk, kid = k.JWK(), k.Thumbprint()
		if again, err := VerifyKeyFromBytes(k.Bytes()); err != nil || again != k {
			t.Errorf("from its bytes: %v, %v", again, err)
		}
	case "RSA":
		k, err := ParseEncryptionKey([]byte(v.JWK))
		if err != nil {
			t.Fatal(err)
		}
		jwk, kid = k.JWK(), k.Thumbprint()
		if _, err := Seal(k, TypeWelcome, []byte("x")); err != nil {
			t.Errorf("cannot be sealed to: %v", err)
		}
	default:
		t.Fatalf("unknown kind %q", v.Kind)
	}
	if string(jwk) != v.Canonical || kid != v.Thumbprint {
		t.Errorf("%s %s, want %s %s", kid, jwk, v.Thumbprint, v.Canonical)
	}
}

func checkSigned(t *testing.T, v vector) {
	key := vectorSigningKey(t, v.Key)
	signed, err := ParseSigned(v.Token, v.Typ)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := signed.Verify(key.Public())
	if err != nil || string(claims) != v.Text {
		t.Errorf("claims %q, %v; want %q", claims, err, v.Text)
	}
	if signed.KID != key.Thumbprint() || signed.JWK.IsZero() == v.Carries {
		t.Errorf("kid %s, jwk %v", signed.KID, signed.JWK)
	}
	packed := must(decode(v.Packed))
	if got, err := UnpackSigned(packed); err != nil || got != v.Token {
		t.Errorf("unpacked %q, %v", got, err)
	}
	if got, err := PackSigned(v.Token); err != nil || string(got) != string(packed) {
		t.Errorf("packed %x, %v; want %x", got, err, packed)
	}
}

func checkSealed(t *testing.T, v vector) {
	sealed, err := ParseSealed(v.Token, v.Typ)
	if err != nil {
		t.Fatal(err)
	}
	got, err := sealed.Open(vectorDecryptionKey(t, v.Key))
	if err != nil || string(got) != v.Text {
		t.Errorf("opened %q, %v; want %q", got, err, v.Text)
	}
}

func checkRefusedJWK(t *testing.T, v vector) {
	var err error
	switch v.Kind {
	case "Ed25519":
		_, err = ParseVerifyKey([]byte(v.JWK))
	case "RSA":
		_, err = ParseEncryptionKey([]byte(v.JWK))
	default:
		t.Fatalf("unknown kind %q", v.Kind)
	}
	if !errors.Is(err, ErrKey) {
		t.Errorf("%s: got %v, want ErrKey", v.Comment, err)
	}
}

func checkRefusedSigned(t *testing.T, v vector) {
	signed, err := ParseSigned(v.Token, v.Typ)
	if v.Stage == "open" {
		if err != nil {
			t.Fatalf("refused too early, so that it tests nothing: %v", err)
		}
		_, err = signed.Verify(vectorSigningKey(t, v.Key).Public())
	}
	if !errors.Is(err, ErrSignature) {
		t.Errorf("%s: got %v, want ErrSignature", v.Comment, err)
	}
}

func checkRefusedSealed(t *testing.T, v vector) {
	sealed, err := ParseSealed(v.Token, v.Typ)
	if v.Stage == "open" {
		if err != nil {
			t.Fatalf("refused too early, so that it tests nothing: %v", err)
		}
		if _, err = sealed.Open(vectorDecryptionKey(t, v.Key)); err != ErrEnvelope {
			t.Errorf("%s: got %v, want ErrEnvelope itself", v.Comment, err)
		}
		return
	}
	if !errors.Is(err, ErrEnvelope) {
		t.Errorf("%s: got %v, want ErrEnvelope", v.Comment, err)
	}
}
