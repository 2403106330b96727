package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata again; what is made at random is kept where it exists")

// writeVectors makes the files of testdata, and removes those that it no longer
// makes. Keys and sealed tokens are random, so existing ones stay; to make one
// anew, delete its file.
func writeVectors(t *testing.T) {
	ada := keepSigningKey(t, "ada", "RFC 8037, appendix A.1", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	keepSigningKey(t, "mallory", "32 bytes of 7", base64url.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	device := keepDecryptionKey(t, "device", 2048)
	service := keepDecryptionKey(t, "service", 3072)

	writeAccepted(t, ada, device, service)
	writeRefusedJWKs(t, ada, device)
	writeRefusedSigned(t, ada)
	writeRefusedSealed(t, device, service)

	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !written[file] {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// written holds the files that this run made or kept.
var written = map[string]bool{}

func write(t *testing.T, folder, name string, v vector) {
	t.Helper()
	dir := filepath.Join("testdata", folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name+".json")
	written[file] = true
	if _, err := os.Stat(file); err == nil && strings.HasSuffix(folder, "sealed") {
		old, same := readVector(t, file), v
		if same.Token = old.Token; same == old {
			return
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func keepSigningKey(t *testing.T, name, comment, seed string) *SigningKey {
	t.Helper()
	k := must(SigningKeyFromSeed(must(decode(seed))))
	write(t, "keys", name, vector{
		Comment:    comment,
		Kind:       "Ed25519",
		Seed:       seed,
		Canonical:  string(k.Public().JWK()),
		Thumbprint: k.Thumbprint(),
	})
	return k
}

func keepDecryptionKey(t *testing.T, name string, bits int) *DecryptionKey {
	t.Helper()
	file := filepath.Join("testdata", "keys", name+".json")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		written[file] = true
		return vectorDecryptionKey(t, name)
	}
	k := must(GenerateDecryptionKey(bits))
	write(t, "keys", name, vector{
		Comment:    "made at random for these vectors",
		Kind:       "RSA",
		PKCS8:      base64url.EncodeToString(must(k.MarshalPKCS8())),
		Canonical:  string(k.Public().JWK()),
		Thumbprint: k.Thumbprint(),
	})
	return k
}

func writeAccepted(t *testing.T, ada *SigningKey, device, service *DecryptionKey) {
	write(t, "jwk", "ed25519-rfc8037", vector{Kind: "Ed25519",
		Comment: "RFC 8037, appendices A.2 and A.3; the members in another order, with white space",
		JWK: "{ \"kty\": \"OKP\",\n  \"x\": \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\n" +
			"  \"kid\": \"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\", \"crv\": \"Ed25519\" }",
		Canonical:  string(ada.Public().JWK()),
		Thumbprint: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"})
	const n7638 = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	const kid7638 = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
	write(t, "jwk", "rsa-rfc7638", vector{
		Kind:       "RSA",
		Comment:    "RFC 7638 §3.1",
		JWK:        `{"kty":"RSA","n":"` + n7638 + `","e":"AQAB","kid":"` + kid7638 + `"}`,
		Canonical:  `{"e":"AQAB","kid":"` + kid7638 + `","kty":"RSA","n":"` + n7638 + `"}`,
		Thumbprint: kid7638,
	})
	for name, k := range map[string]*DecryptionKey{"rsa-2048": device, "rsa-3072": service} {
		jwk := string(k.Public().JWK())
		write(t, "jwk", name, vector{
			Kind:       "RSA",
			Comment:    "canonical",
			JWK:        jwk,
			Canonical:  jwk,
			Thumbprint: k.Thumbprint(),
		})
	}

	texts := map[Type]string{
		TypeKeys: `{"aud":"127.0.0.1:4566/local","gen":1,"exp":1798761600,"keys":[` +
			string(device.Public().JWK()) + `]}`,
		TypeHandshake: `{"v":2,"sub":"ada","aud":"127.0.0.1:4566/local","nonce":"AAAA"}`,
		TypeLink:      `{"sub":"ada","aud":"127.0.0.1:4566/local","dev":"x","exp":1798761600}`,
		TypeMessage:   "{\"v\":1,\"room\":\"lobby\",\"body\":\"<b>&amp; é \u2028 😀 \\u0000\"}",
		TypeRotate:    `{"sid":"x","gen":2}`,
		TypeRevoke:    `{"sid":"x","dev":"y"}`,
	}
	for typ, text := range texts {
		token := must(Sign(ada, typ, []byte(text)))
		name := strings.TrimSuffix(strings.TrimPrefix(string(typ), "sotto-"), "+jwt")
		write(t, "signed", name, vector{
			Comment: "Ed25519 is deterministic: the token is reproduced to the letter",
			Key:     "ada",
			Typ:     typ,
			Token:   token,
			Text:    text,
			Packed:  base64url.EncodeToString(must(PackSigned(token))),
		})
	}
	token := must(SignWithJWK(ada, TypeHandshake, []byte(texts[TypeHandshake])))
	write(t, "signed", "handshake-with-jwk", vector{
		Comment: "a device that is not on record shows its key",
		Key:     "ada",
		Typ:     TypeHandshake,
		Carries: true,
		Token:   token,
		Text:    texts[TypeHandshake],
		Packed:  base64url.EncodeToString(must(PackSigned(token))),
	})
	token = must(SignWithJWK(ada, TypeKeys, []byte(texts[TypeKeys])))
	write(t, "signed", "keys-with-jwk", vector{
		Comment: "a service shows its key to a client that has pinned none",
		Key:     "ada",
		Typ:     TypeKeys,
		Carries: true,
		Token:   token,
		Text:    texts[TypeKeys],
		Packed:  base64url.EncodeToString(must(PackSigned(token))),
	})
	token = rawSign(ada, `{ "typ": "sotto-message+jwt", "kid": "`+ada.Thumbprint()+`",`+"\n"+` "alg": "EdDSA" }`, "")
	write(t, "signed", "other-order", vector{
		Comment: "header members in another order with white space; no claims at all",
		Key:     "ada",
		Typ:     TypeMessage,
		Token:   token,
		Packed:  base64url.EncodeToString(must(PackSigned(token))),
	})

	for _, typ := range []Type{TypeWelcome, TypeSend, TypeSealedMessage, TypeHistory, TypeRotated, TypeSession} {
		name := strings.TrimSuffix(strings.TrimPrefix(string(typ), "sotto-"), "+jwe")
		text := "to a device: é \u2028 😀"
		write(t, "sealed", name, vector{
			Comment: "2048 bits",
			Key:     "device",
			Typ:     typ,
			Text:    text,
			Token:   must(Seal(device.Public(), typ, []byte(text))),
		})
	}
	write(t, "sealed", "send-3072", vector{
		Comment: "3072 bits",
		Key:     "service",
		Typ:     TypeSend,
		Text:    "to the service",
		Token:   must(Seal(service.Public(), TypeSend, []byte("to the service"))),
	})
	write(t, "sealed", "empty", vector{
		Comment: "an empty plaintext",
		Key:     "device",
		Typ:     TypeSend,
		Token:   must(Seal(device.Public(), TypeSend, nil)),
	})
	write(t, "sealed", "repetitive", vector{
		Comment: "nothing is compressed",
		Key:     "device",
		Typ:     TypeSend,
		Text:    strings.Repeat("a", 3000),
		Token:   must(Seal(device.Public(), TypeSend, bytes.Repeat([]byte("a"), 3000))),
	})
}
