package envelope

import (
	"crypto/ed25519"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// rawSign signs any header at all, as an attacker who holds a key can.
func rawSign(k *SigningKey, header, claims string) string {
	input := base64url.EncodeToString([]byte(header)) + "." + base64url.EncodeToString([]byte(claims))
	return input + "." + base64url.EncodeToString(ed25519.Sign(k.private, []byte(input)))
}

func writeRefusedSigned(t *testing.T, ada *SigningKey) {
	mallory := vectorSigningKey(t, "mallory")
	kid, typ := ada.Thumbprint(), string(TypeMessage)
	header := func(more string) string {
		return `{"alg":"EdDSA","kid":"` + kid + `","typ":"` + typ + `"` + more + `}`
	}
	const claims = `{"v":1}`
	good := rawSign(ada, header(""), claims)
	if s, err := ParseSigned(good, TypeMessage); err != nil || len(must(s.Verify(ada.Public()))) == 0 {
		t.Fatalf("the unspoilt token is refused, so its spoilt forms test nothing: %v", err)
	}
	input, signature := good[:strings.LastIndex(good, ".")], good[strings.LastIndex(good, ".")+1:]
	add := func(name, comment, stage, token string) {
		write(t, "refused-signed", name, vector{
			Comment: comment,
			Key:     "ada",
			Typ:     TypeMessage,
			Token:   token,
			Stage:   stage,
			Text:    claims,
		})
	}
	for name, tc := range map[string]struct{ comment, header string }{
		"alg-none": {"RFC 8725 §2.1", strings.Replace(header(""), "EdDSA", "none", 1)},
		"alg-hs256": {"RFC 8725 §2.1: the public key as an HMAC key",
			strings.Replace(header(""), "EdDSA", "HS256", 1)},
		"alg-ed25519": {"RFC 9864's name of the algorithm is not in this version",
			strings.Replace(header(""), "EdDSA", "Ed25519", 1)},
		"alg-case": {"names of algorithms are case-exact",
			strings.Replace(header(""), "EdDSA", "eddsa", 1)},
		"alg-array":            {"alg is a string", strings.Replace(header(""), `"EdDSA"`, `["EdDSA"]`, 1)},
		"alg-missing":          {"alg is required", `{"kid":"` + kid + `","typ":"` + typ + `"}`},
		"alg-duplicate":        {"duplicate member", header(`,"alg":"EdDSA"`)},
		"alg-duplicate-escape": {"duplicate member, spelled with an escape", header(`,"\u0061lg":"none"`)},
		"alg-other-case-too":   {"a second member that differs in case", header(`,"Alg":"none"`)},
		"kid-case":             {"names of members are case-exact", strings.Replace(header(""), `"kid"`, `"Kid"`, 1)},
		"kid-missing":          {"kid is required", `{"alg":"EdDSA","typ":"` + typ + `"}`},
		"kid-null":             {"kid is a string", strings.Replace(header(""), `"`+kid+`"`, "null", 1)},
		"kid-name":             {"kid is a thumbprint", strings.Replace(header(""), kid, "ada", 1)},
		"kid-padded":           {"a thumbprint has no padding", strings.Replace(header(""), kid, kid+"=", 1)},
		"typ-missing":          {"typ is required", `{"alg":"EdDSA","kid":"` + kid + `"}`},
		"typ-other":            {"made for another use", strings.Replace(header(""), typ, string(TypeLink), 1)},
		"typ-media-type":       {"typ has one spelling", strings.Replace(header(""), typ, "application/"+typ, 1)},
		"typ-case":             {"typ is case-exact", strings.Replace(header(""), typ, strings.ToUpper(typ), 1)},
		"crit":                 {"crit is not in the profile", header(`,"crit":["exp"],"exp":1`)},
		"crit-empty":           {"crit is not in the profile", header(`,"crit":[]`)},
		"b64-false":            {"RFC 7797 is not in the profile", header(`,"b64":false,"crit":["b64"]`)},
		"b64-false-alone":      {"RFC 7797 is not in the profile", header(`,"b64":false`)},
		"b64-true":             {"RFC 7797 is not in the profile", header(`,"b64":true`)},
		"cty":                  {"cty is not in the profile", header(`,"cty":"JWT"`)},
		"nonce":                {"nonce is not in the profile", header(`,"nonce":"x"`)},
		"jku":                  {"keys are never fetched", header(`,"jku":"https://example.org/"`)},
		"x5c":                  {"certificates are not in the profile", header(`,"x5c":["AA"]`)},
		"unknown-member":       {"exactly three members", header(`,"x":1`)},
		"jwk-in-message":       {"only a handshake carries its key", header(`,"jwk":` + string(ada.Public().JWK()))},
		"header-array":         {"a header is an object", `["EdDSA"]`},
		"header-null":          {"a header is an object", `null`},
		"header-empty":         {"a header is an object", ``},
		"header-two-values":    {"one value and no more", header("") + `{}`},
		"header-bom":           {"no byte order mark", "\ufeff" + header("")},
		"header-invalid-utf8":  {"invalid UTF-8", header(",\"x\":\"\xff\"")},
		"header-surrogate":     {"lone surrogate", header(`,"x":"\ud800"`)},
		"header-large":         {"a header is small", header(strings.Repeat(" ", 600))},
	} {
		add(name, tc.comment, "parse", rawSign(ada, tc.header, claims))
	}
	for name, tc := range map[string]struct{ comment, jwk string }{
		"jwk-of-another": {"kid is another key's", string(mallory.Public().JWK())},
		"jwk-private": {"a private member",
			strings.Replace(string(ada.Public().JWK()), `{`,
				`{"d":"`+base64url.EncodeToString(make([]byte, 32))+`",`, 1)},
		"jwk-wrong-kid": {"the key's own kid is wrong",
			strings.Replace(string(ada.Public().JWK()), kid, mallory.Thumbprint(), 1)},
		"jwk-string": {"a key is an object", `"x"`},
		"jwk-null":   {"a key is an object", `null`},
		"jwk-rsa":    {"a signing key is Ed25519", `{"e":"AQAB","kty":"RSA","n":"AQAB"}`},
		"jwk-duplicate": {"duplicate member",
			strings.Replace(string(ada.Public().JWK()), `{`, `{"crv":"Ed25519",`, 1)},
		"jwk-identity": {"the identity point", edJWK(encodePoint(big.NewInt(1), 0))},
	} {
		token := rawSign(ada, strings.Replace(header(`,"jwk":`+tc.jwk), typ, string(TypeHandshake), 1), claims)
		write(t, "refused-signed", name, vector{
			Comment: tc.comment,
			Key:     "ada",
			Typ:     TypeHandshake,
			Token:   token,
			Stage:   "parse",
			Text:    claims,
		})
	}

	add("two-parts", "three parts", "parse", input)
	add("four-parts", "three parts", "parse", good+".")
	add("five-parts", "a JWE is no JWS", "parse", good+".AA.AA")
	add("empty", "nothing", "parse", "")
	add("json-serialisation", "compact form only", "parse",
		`{"payload":"e30","protected":"`+input[:strings.Index(input, ".")]+`","signature":"`+signature+`"}`)
	add("detached", "the claims are inside", "open", input[:strings.Index(input, ".")]+".."+signature)
	add("padding", "no padding", "parse", good+"==")
	add("newline", "no white space", "parse", good+"\n")
	add("newline-inside", "encoding/base64 skips it", "parse", good[:20]+"\r\n"+good[20:])
	add("space", "no white space", "parse", " "+good)
	// 64 bytes leave four unused bits in the last character.
	tail := strings.IndexByte(base64Alphabet, signature[len(signature)-1])
	add("tail", "unused bits of the last character are zero", "parse",
		input+"."+signature[:85]+string(base64Alphabet[tail|1]))
	add("signature-empty", "64 bytes", "parse", input+".")
	add("signature-short", "64 bytes", "parse", input+"."+base64url.EncodeToString(must(decode(signature))[:63]))
	add("signature-long", "64 bytes", "parse", input+"."+base64url.EncodeToString(append(must(decode(signature)), 0)))
	add("signature-s-plus-l", "RFC 8032 §5.1.7: S below the order", "open",
		input+"."+base64url.EncodeToString(addOrder(must(decode(signature)))))
	add("signature-zero", "not a signature", "open", input+"."+base64url.EncodeToString(make([]byte, 64)))
	add("signature-mallory", "made by another key in ada's name", "open", rawSign(mallory, header(""), claims))
	add("claims-changed", "other claims", "open",
		strings.Replace(good, "."+base64url.EncodeToString([]byte(claims)),
			"."+base64url.EncodeToString([]byte(`{"v":2}`)), 1))
	add("header-reserialised", "the header is signed as it was spelled", "open",
		base64url.EncodeToString([]byte(header(" ")))+good[strings.Index(good, "."):])
	add("kid-not-the-signers", "ada's signature under mallory's name", "open",
		rawSign(ada, strings.Replace(header(""), kid, mallory.Thumbprint(), 1), claims))
	add("kid-of-another", "a valid token of mallory's", "open",
		rawSign(mallory, strings.Replace(header(""), kid, mallory.Thumbprint(), 1), claims))
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// addOrder makes the second S that satisfies the equation: S plus the order.
func addOrder(signature []byte) []byte {
	order, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	order.Add(order, new(big.Int).Lsh(big.NewInt(1), 252))
	s := slices.Clone(signature[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(signature[:32]), sum...)
}

// encodePoint writes y and the sign of x as RFC 8032 §5.1.2 does, reduced or
// not.
func encodePoint(y *big.Int, sign byte) []byte {
	b := y.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	b[31] |= sign << 7
	return b
}

// edJWK makes a well-formed JWK of bytes that need be no key.
func edJWK(point []byte) string {
	var k VerifyKey
	copy(k.point[:], point)
	return string(k.JWK())
}

func writeRefusedJWKs(t *testing.T, ada *SigningKey, device *DecryptionKey) {
	add := func(kind, name, comment, jwk string) {
		write(t, "refused-jwk", strings.ToLower(kind)+"-"+name, vector{Comment: comment, Kind: kind, JWK: jwk})
	}
	ed := string(ada.Public().JWK())
	minus := func(n int64) *big.Int { return new(big.Int).Sub(fieldP, big.NewInt(n)) }
	add("Ed25519", "identity", "signatures under it are anyone's", edJWK(encodePoint(big.NewInt(1), 0)))
	add("Ed25519", "identity-sign", "x = 0 with the sign set", edJWK(encodePoint(big.NewInt(1), 1)))
	add("Ed25519", "identity-unreduced", "y = p + 1", edJWK(encodePoint(minus(-1), 0)))
	add("Ed25519", "order-2", "y = -1", edJWK(encodePoint(minus(1), 0)))
	add("Ed25519", "order-2-sign", "y = -1, x = 0 with the sign set", edJWK(encodePoint(minus(1), 1)))
	add("Ed25519", "order-4", "y = 0", edJWK(encodePoint(new(big.Int), 0)))
	add("Ed25519", "order-4-sign", "y = 0", edJWK(encodePoint(new(big.Int), 1)))
	add("Ed25519", "order-4-unreduced", "y = p", edJWK(encodePoint(fieldP, 0)))
	for i, y := range smallOrderY[3:] {
		for sign := range byte(2) {
			add("Ed25519", "order-8-"+string('a'+rune(i))+string('0'+rune(sign)), "a point of order eight",
				edJWK(encodePoint(y, sign)))
		}
	}
	add("Ed25519", "unreduced", "y = p + 3, a second spelling of y = 3", edJWK(encodePoint(minus(-3), 0)))
	add("Ed25519", "off-curve", "no point has y = 2", edJWK(encodePoint(big.NewInt(2), 0)))
	x := ada.Public().x()
	add("Ed25519", "short", "31 bytes", strings.Replace(ed, x, base64url.EncodeToString(make([]byte, 31)), 1))
	add("Ed25519",
		"long", "33 bytes", strings.Replace(ed, x, base64url.EncodeToString(append(ada.Public().Bytes(), 0)), 1))
	add("Ed25519", "private", "a private member", strings.Replace(ed, "{", `{"d":"`+x+`",`, 1))
	add("Ed25519", "alg", "an extra member", strings.Replace(ed, "{", `{"alg":"EdDSA",`, 1))
	add("Ed25519", "kid-missing", "kid is required", strings.Replace(ed, `"kid":"`+ada.Thumbprint()+`",`, "", 1))
	add("Ed25519", "kid-wrong", "kid is the thumbprint", strings.Replace(ed, `"kid":"k`, `"kid":"l`, 1))
	add("Ed25519", "x25519", "another curve", strings.Replace(ed, "Ed25519", "X25519", 1))
	add("Ed25519", "kty", "another kind", strings.Replace(ed, "OKP", "EC", 1))
	add("Ed25519", "padding", "no padding", strings.Replace(ed, x, x+"=", 1))
	add("Ed25519", "tail", "unused bits of the last character are zero",
		strings.Replace(ed, x, x[:42]+string(base64Alphabet[strings.IndexByte(base64Alphabet, x[42])|1]), 1))
	add("Ed25519", "newline", "encoding/base64 skips it", strings.Replace(ed, x, x+`\n`, 1))
	add("Ed25519", "duplicate", "duplicate member", strings.Replace(ed, "{", `{"x":"`+x+`",`, 1))
	add("Ed25519", "name-case", "names are case-exact", strings.Replace(ed, `"x":`, `"X":`, 1))
	add("Ed25519", "trailing", "one value and no more", ed+"{}")
	add("Ed25519", "null", "an object", "null")
	add("Ed25519", "rsa", "the other kind of key", string(device.Public().JWK()))

	rsaKey := string(device.Public().JWK())
	n := device.private.N
	rsaJWK := func(n []byte, e string) string {
		text := base64url.EncodeToString(n)
		kid := thumbprint(`{"e":"` + e + `","kty":"RSA","n":"` + text + `"}`)
		return `{"e":"` + e + `","kid":"` + kid + `","kty":"RSA","n":"` + text + `"}`
	}
	odd := func(bits uint) []byte {
		b := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return b.SetBit(b, 0, 1).Bytes()
	}
	if _, err := ParseEncryptionKey([]byte(rsaJWK(n.Bytes(), "AQAB"))); err != nil {
		t.Fatalf("the unspoilt key is refused, so its spoilt forms test nothing: %v", err)
	}
	add("RSA", "even", "an even modulus makes some libraries panic", rsaJWK(new(big.Int).Sub(n, one).Bytes(), "AQAB"))
	for _, bits := range []uint{1024, 2040, 2047, 2049, 2056, 3071, 3080, 4096} {
		add("RSA", "bits-"+big.NewInt(int64(bits)).String(), "2048 or 3072 bits", rsaJWK(odd(bits), "AQAB"))
	}
	add("RSA", "bits-16384", "300 times the work for everybody's messages", rsaJWK(odd(16384), "AQAB"))
	add("RSA", "leading-zero", "a second spelling of the same modulus", rsaJWK(append([]byte{0}, n.Bytes()...), "AQAB"))
	add("RSA", "leading-zero-2040", "2048 bits long, but only in bytes",
		rsaJWK(append([]byte{0}, odd(2040)...), "AQAB"))
	add("RSA", "e-3", "e = 65537", rsaJWK(n.Bytes(), "Aw"))
	add("RSA", "e-1", "e = 65537", rsaJWK(n.Bytes(), "AQ"))
	add("RSA", "e-leading-zero", "a second spelling of 65537", rsaJWK(n.Bytes(), "AAEAAQ"))
	add("RSA", "e-number", "members are strings", strings.Replace(rsaKey, `"AQAB"`, "65537", 1))
	add("RSA", "private", "a private member", strings.Replace(rsaKey, "{", `{"d":"AQAB",`, 1))
	add("RSA", "use", "an extra member", strings.Replace(rsaKey, "{", `{"use":"enc",`, 1))
	add("RSA", "kid-missing", "kid is required", strings.Replace(rsaKey, `"kid":"`+device.Thumbprint()+`",`, "", 1))
	add("RSA", "kid-wrong", "kid is the thumbprint", strings.Replace(rsaKey, device.Thumbprint(), ada.Thumbprint(), 1))
	add("RSA", "ed25519", "the other kind of key", ed)
	add("RSA", "empty-modulus", "2048 or 3072 bits", rsaJWK(nil, "AQAB"))
}
