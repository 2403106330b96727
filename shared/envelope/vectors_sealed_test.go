package envelope

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"strings"
	"testing"
)

// raw is a JWE made by hand: anybody who has the public key can make one.
type raw struct {
	header string // as authenticated
	sent   string // as sent, if another
	to     *EncryptionKey
	oaep   hash.Hash // nil: SHA-256
	label  string
	key    []byte // nil: 32 random bytes
	wrap   []byte // the encrypted key, if given
	text   []byte
}

// parts returns the five parts, undecoded.
func (r raw) parts() []string {
	key := r.key
	if key == nil {
		key = make([]byte, 32)
		_, _ = rand.Read(key)
	}
	wrapped := r.wrap
	if wrapped == nil {
		h := r.oaep
		if h == nil {
			h = sha256.New()
		}
		wrapped = must(rsa.EncryptOAEP(h, rand.Reader, r.to.public, key, []byte(r.label)))
	}
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce)
	header := base64url.EncodeToString([]byte(r.header))
	out := must(cipher.NewGCM(must(aes.NewCipher(key)))).Seal(nil, nonce, r.text, []byte(header))
	if r.sent != "" {
		header = base64url.EncodeToString([]byte(r.sent))
	}
	parts := []string{header}
	for _, b := range [][]byte{wrapped, nonce, out[:len(out)-tagSize], out[len(out)-tagSize:]} {
		parts = append(parts, base64url.EncodeToString(b))
	}
	return parts
}

func (r raw) token() string { return strings.Join(r.parts(), ".") }

// with returns the token with one part replaced.
func (r raw) with(at int, part []byte) string {
	parts := r.parts()
	parts[at] = base64url.EncodeToString(part)
	return strings.Join(parts, ".")
}

func deflated(text []byte) []byte {
	var out bytes.Buffer
	w := must(flate.NewWriter(&out, flate.BestCompression))
	_, _ = w.Write(text)
	_ = w.Close()
	return out.Bytes()
}

func writeRefusedSealed(t *testing.T, device, service *DecryptionKey) {
	kid, typ := device.Thumbprint(), string(TypeSend)
	header := func(more string) string {
		return `{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"` + kid + `","typ":"` + typ + `"` + more + `}`
	}
	text := []byte("secret")
	sealed := func(header string) raw { return raw{header: header, to: device.Public(), text: text} }
	good := sealed(header(""))
	if s, err := ParseSealed(good.token(), TypeSend); err != nil || !bytes.Equal(must(s.Open(device)), text) {
		t.Fatalf("the unspoilt token is refused, so its spoilt forms test nothing: %v", err)
	}
	add := func(name, comment, stage, token string) {
		write(t, "refused-sealed", name, vector{
			Comment: comment,
			Key:     "device",
			Typ:     TypeSend,
			Token:   token,
			Stage:   stage,
			Text:    string(text),
		})
	}

	bomb := sealed(header(`,"zip":"DEF"`))
	bomb.text = deflated(bytes.Repeat([]byte("a"), 200_000))
	add("zip", "a few hundred bytes that would inflate to 200,000", "parse", bomb.token())
	bomb.header = header(`,"zip":"none"`)
	add("zip-none", "zip is not in the profile", "parse", bomb.token())
	for name, tc := range map[string]struct{ comment, header string }{
		"alg-rsa-oaep": {"OAEP with SHA-1", strings.Replace(header(""), "RSA-OAEP-256", "RSA-OAEP", 1)},
		"alg-rsa1_5":   {"PKCS #1 v1.5 is an oracle", strings.Replace(header(""), "RSA-OAEP-256", "RSA1_5", 1)},
		"alg-dir":      {"no shared keys", strings.Replace(header(""), "RSA-OAEP-256", "dir", 1)},
		"alg-pbes2": {"no passwords",
			strings.Replace(header(`,"p2c":1000000,"p2s":"AAAAAAAAAAA"`), "RSA-OAEP-256", "PBES2-HS512+A256KW", 1)},
		"alg-duplicate": {"duplicate member", header(`,"alg":"dir"`)},
		"alg-missing":   {"alg is required", `{"enc":"A256GCM","kid":"` + kid + `","typ":"` + typ + `"}`},
		"enc-a128gcm":   {"another content encryption", strings.Replace(header(""), "A256GCM", "A128GCM", 1)},
		"enc-cbc":       {"another content encryption", strings.Replace(header(""), "A256GCM", "A256CBC-HS512", 1)},
		"enc-case": {"names of algorithms are case-exact",
			strings.Replace(header(""), "A256GCM", "a256gcm", 1)},
		"kid-missing":      {"kid is required", strings.Replace(header(""), `"kid":"`+kid+`",`, "", 1)},
		"kid-name":         {"kid is a thumbprint", strings.Replace(header(""), kid, "service", 1)},
		"kid-case":         {"names of members are case-exact", strings.Replace(header(""), `"kid"`, `"KID"`, 1)},
		"typ-other":        {"made for another use", strings.Replace(header(""), typ, string(TypeWelcome), 1)},
		"typ-missing":      {"typ is required", strings.Replace(header(""), `,"typ":"`+typ+`"`, "", 1)},
		"typ-of-signed":    {"made for another use", strings.Replace(header(""), typ, string(TypeMessage), 1)},
		"crit":             {"crit is not in the profile", header(`,"crit":["x"],"x":1`)},
		"cty":              {"cty is not in the profile", header(`,"cty":"JWT"`)},
		"epk":              {"epk is not in the profile", header(`,"epk":{}`)},
		"jwk":              {"jwk is not in the profile", header(`,"jwk":` + string(device.Public().JWK()))},
		"unknown-member":   {"exactly four members", header(`,"x":1`)},
		"header-array":     {"a header is an object", `[]`},
		"header-trailing":  {"one value and no more", header("") + " 1"},
		"header-surrogate": {"lone surrogate", header(`,"x":"\udc00"`)},
		"header-utf8":      {"invalid UTF-8", header(",\"x\":\"\xfe\"")},
		"header-large":     {"a header is small", header(strings.Repeat(" ", 600))},
	} {
		add(name, tc.comment, "parse", sealed(tc.header).token())
	}

	add("empty", "nothing", "parse", "")
	add("four-parts", "five parts", "parse", strings.Join(good.parts()[:4], "."))
	add("six-parts", "five parts", "parse", good.token()+".AA")
	add("json-serialisation", "compact form only", "parse", `{"protected":"`+good.parts()[0]+`"}`)
	add("padding", "no padding", "parse", good.token()+"==")
	add("newline", "encoding/base64 skips it", "parse", good.token()+"\n")
	token := good.token() // 16 bytes leave four unused bits in the last character
	add("tail", "unused bits of the last character are zero", "parse",
		token[:len(token)-1]+string(base64Alphabet[strings.IndexByte(base64Alphabet, token[len(token)-1])|1]))
	add("key-empty", "an encrypted key has the length of the modulus", "parse", good.with(1, nil))
	add("key-short", "an encrypted key has the length of the modulus", "parse", good.with(1, make([]byte, 255)))
	add("key-long", "an encrypted key has the length of the modulus", "parse", good.with(1, make([]byte, 257)))
	add("nonce-empty", "12 bytes", "parse", good.with(2, nil))
	add("nonce-16", "12 bytes", "parse", good.with(2, make([]byte, 16)))
	add("tag-empty", "16 bytes", "parse", good.with(4, nil))
	add("tag-short", "16 bytes: a tag of four is guessed in 2³² tries", "parse",
		good.with(4, must(decode(good.parts()[4]))[:4]))
	add("tag-long", "16 bytes", "parse", good.with(4, make([]byte, 17)))

	add("key-zero", "an encrypted key of zero", "open", good.with(1, make([]byte, 256)))
	add("key-modulus", "an encrypted key not below the modulus", "open", good.with(1, device.private.N.Bytes()))
	add("key-3072", "an encrypted key of the other size", "open", good.with(1, make([]byte, 384)))
	add("nonce-other", "another nonce", "open", good.with(2, make([]byte, 12)))
	add("text-other", "another ciphertext", "open", good.with(3, []byte("public")))
	add("text-empty", "no ciphertext", "open", good.with(3, nil))
	add("tag-other", "another tag", "open", good.with(4, make([]byte, 16)))
	reserialised := good
	reserialised.sent = header(" ")
	add("header-reserialised", "the header is authenticated as it was spelled", "open", reserialised.token())
	other := good
	other.to = service.Public()
	add("key-of-another", "sealed to another key in this one's name", "open", other.token())
	add("kid-of-another", "names another key", "open",
		raw{header: strings.Replace(header(""), kid, service.Thumbprint(), 1), to: device.Public(), text: text}.token())
	weak := good
	weak.key = make([]byte, 16)
	add("content-key-16", "a content key of 128 bits", "open", weak.token())
	old := good
	old.oaep = sha1.New()
	add("oaep-sha1", "OAEP with SHA-1 under the name of SHA-256", "open", old.token())
	labelled := good
	labelled.label = "x"
	add("oaep-label", "OAEP with a label", "open", labelled.token())
	v15 := good
	v15.key = bytes.Repeat([]byte{1}, 32)
	v15.wrap = must(rsa.EncryptPKCS1v15(rand.Reader, device.public.public,
		v15.key)) //lint:ignore SA1019 what an attacker may send
	add("pkcs1-v1.5", "PKCS #1 v1.5 under the name of OAEP", "open", v15.token())
}
