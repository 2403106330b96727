package device

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// must returns a function that fails the test if a call returned an error.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAddress(t *testing.T) {
	for url, want := range map[string]string{
		"ws://127.0.0.1:4566/local":         "127.0.0.1:4566/local",
		"ws://localhost:4566/local/":        "127.0.0.1:4566/local",
		"ws://[::1]:4566/local":             "[::1]:4566/local",
		"ws://[::1]/local":                  "[::1]/local",
		"wss://Abc.Example:443/prod":        "abc.example/prod",
		"ws://abc.example:80/prod":          "abc.example/prod",
		"wss://abc.example:80/prod":         "abc.example:80/prod",
		"wss://chat.example":                "chat.example",
		"https://abc.example/prod":          "",
		"abc.example/prod":                  "",
		"wss:///prod":                       "",
		"wss://abc.example/prod?x=1":        "",
		"wss://user:secret@abc.example/x":   "",
		"wss://abc.example/prod#x":          "",
		"ws://127.0.0.1:4566/local%2f\x00x": "",
	} {
		got, err := Address(url)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Address(%q) = %q, %v; want %q", url, got, err, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:4566/local": true, "127.8.9.1/x": true, "[::1]:4566/local": true, "[::1]/local": true,
		"10.0.0.1:4566/local": false, "127.0.0.1.example/x": false, "localhost.example:1/x": false,
		"[2001:db8::1]/x": false,
	} {
		if got := IsLoopback(address); got != want {
			t.Errorf("IsLoopback(%q) = %v, want %v", address, got, want)
		}
	}
}

// service holds a service key and a server key.
type service struct {
	signer *envelope.SigningKey
	server *envelope.DecryptionKey
}

func newService(t *testing.T) service {
	return service{must[*envelope.SigningKey](t)(envelope.GenerateSigningKey()),
		must[*envelope.DecryptionKey](t)(envelope.GenerateDecryptionKey(2048))}
}

// keySet signs a key set for an audience. change, if not nil, alters the
// claims.
func (s service) keySet(t *testing.T, aud string, change func(m map[string]any)) string {
	t.Helper()
	claims := map[string]any{
		"v": frame.Version, "aud": aud, "gen": 5, "exp": time.Now().Add(time.Hour).Unix(),
		"keys": []jsontext.Value{s.server.Public().JWK()}, "session": jsontext.Value(s.server.Public().JWK()),
	}
	if change != nil {
		change(claims)
	}
	return must[string](t)(envelope.SignWithJWK(s.signer, envelope.TypeKeys, must[[]byte](t)(strict.Marshal(claims))))
}

func deployment(t *testing.T, address string) *profile.Deployment {
	return must[*profile.Deployment](t)(profile.Memory().Deployment(address))
}

// splice joins the claims of one token and the signature of another.
func splice(claims, signature string) string {
	return claims[:strings.LastIndex(claims, ".")] + signature[strings.LastIndex(signature, "."):]
}

func TestKeySets(t *testing.T) {
	s, other := newService(t), newService(t)
	set := func(name string, v any) func(map[string]any) { return func(m map[string]any) { m[name] = v } }
	const real, local = "abc.example/prod", "127.0.0.1:4566/local"
	for name, c := range map[string]struct {
		address, first string // the key set accepted before, if any
		then           string
		want           error
	}{
		"first use":                 {real, "", s.keySet(t, real, nil), nil},
		"first use, other audience": {real, "", s.keySet(t, "evil.example/prod", nil), ErrAudience},
		"first use over loopback":   {local, "", s.keySet(t, real, nil), nil},
		"the same again":            {real, s.keySet(t, real, nil), s.keySet(t, real, nil), nil},
		"a higher generation":       {real, s.keySet(t, real, nil), s.keySet(t, real, set("gen", 6)), nil},
		"a lower generation":        {real, s.keySet(t, real, nil), s.keySet(t, real, set("gen", 4)), ErrOlder},
		"another signer":            {real, s.keySet(t, real, nil), other.keySet(t, real, nil), ErrSigner},
		"another audience": {real, s.keySet(t, real, nil),
			s.keySet(t, "evil.example/prod", nil), ErrAudience},
		"another audience over loopback": {local, s.keySet(t, real, nil),
			s.keySet(t, "b.example/x", nil), ErrAudience},
		"version 1":                  {real, "", s.keySet(t, real, set("v", 0)), ErrVersion},
		"version 3":                  {real, "", s.keySet(t, real, set("v", 3)), ErrVersion},
		"without session key":        {real, "", s.keySet(t, real, set("session", nil)), ErrProtocol},
		"another signer's version 3": {real, s.keySet(t, real, nil), other.keySet(t, real, set("v", 3)), ErrSigner},
		"expired":                    {real, "", s.keySet(t, real, set("exp", time.Now().Unix()-1)), ErrExpired},
		"without keys":               {real, "", s.keySet(t, real, set("keys", []string{})), ErrProtocol},
		"with an invalid key":        {real, "", s.keySet(t, real, set("keys", []string{"x"})), ErrProtocol},
		"without the service's key": {real, "",
			must[string](t)(envelope.Sign(s.signer, envelope.TypeKeys, []byte(`{}`))), ErrProtocol},
		"no token": {real, "", "x", ErrProtocol},
		"a token of another type": {real, "",
			must[string](t)(envelope.Sign(s.signer, envelope.TypeMessage, []byte(`{}`))), ErrProtocol},
		"one set's claims, another's signature": {real, "",
			splice(s.keySet(t, real, nil), s.keySet(t, real, set("gen", 9))), ErrProtocol},
		"a higher generation, then a lower": {real, s.keySet(t, real, set("gen", 7)), s.keySet(t, real, nil), ErrOlder},
	} {
		t.Run(name, func(t *testing.T) {
			d := deployment(t, c.address)
			if c.first != "" {
				must[*KeySet](t)(accept(d, c.first))
			}
			before := must[profile.Trust](t)(d.Trust())
			keys, err := accept(d, c.then)
			if !errors.Is(err, c.want) {
				t.Fatalf("accept: got %v, want %v", err, c.want)
			}
			after := must[profile.Trust](t)(d.Trust())
			if err != nil && after != before {
				t.Errorf("a refused set changed the trust from %+v to %+v", before, after)
			}
			if err == nil && (after.ServiceKey != s.signer.Thumbprint() ||
				keys.Newest.Thumbprint() != s.server.Thumbprint()) {
				t.Errorf("trust is %+v, newest key %s; want service key %s, newest key %s", after,
					keys.Newest.Thumbprint(),
					s.signer.Thumbprint(), s.server.Thumbprint())
			}
		})
	}
}

func TestTrustServiceKey(t *testing.T) {
	s, other := newService(t), newService(t)
	d := deployment(t, "abc.example/prod")
	if err := TrustServiceKey(d, "not a thumbprint"); err == nil {
		t.Error("TrustServiceKey accepts a string that is not a thumbprint")
	}
	for range 2 {
		if err := TrustServiceKey(d, s.signer.Thumbprint()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := accept(d, other.keySet(t, "abc.example/prod", nil)); !errors.Is(err, ErrSigner) {
		t.Errorf("a set with another signer: got %v, want %v", err, ErrSigner)
	}
	if _, err := accept(d, s.keySet(t, "evil.example/prod", nil)); !errors.Is(err, ErrAudience) {
		t.Errorf("a set with another audience: got %v, want %v", err, ErrAudience)
	}
	must[*KeySet](t)(accept(d, s.keySet(t, "abc.example/prod", nil)))
	if err := TrustServiceKey(d, other.signer.Thumbprint()); !errors.Is(err, ErrSigner) {
		t.Errorf("TrustServiceKey with another key: got %v, want %v", err, ErrSigner)
	}
}

func TestAWelcomeMustAnswerTheProof(t *testing.T) {
	s := newService(t)
	d := must[*Device](t)(Load(deployment(t, "abc.example/prod").User("ada")))
	keys := must[*KeySet](t)(d.AcceptKeySet(s.keySet(t, "abc.example/prod", nil)))
	nonce := chat.NewNonce()
	proof, _, err := d.Prove(nonce, keys, "")
	if err != nil {
		t.Fatal(err)
	}
	token := must[*envelope.Signed](t)(envelope.ParseSigned(proof, envelope.TypeHandshake))
	var claims frame.HandshakeClaims
	if err := strict.Unmarshal(must[[]byte](t)(token.Verify(token.JWK)), &claims); err != nil || claims.Check() != nil {
		t.Fatalf("the proof's claims: %+v, %v, %v", claims, err, claims.Check())
	}
	if claims.Aud != "abc.example/prod" || claims.Nonce != nonce || claims.SKID != s.server.Thumbprint() ||
		claims.Gen != 1 {
		t.Errorf("the proof claims %+v, want audience abc.example/prod, nonce %s, generation 1", claims, nonce)
	}
	enc := must[*envelope.EncryptionKey](t)(envelope.ParseEncryptionKey(claims.Enc))
	good := frame.WelcomePlain{V: frame.Version, Nonce: nonce, SID: "sid", User: "ada", Device: d.ID()}
	for name, change := range map[string]func(*frame.WelcomePlain){
		"that is valid":       nil,
		"for another nonce":   func(w *frame.WelcomePlain) { w.Nonce = chat.NewNonce() },
		"for another user":    func(w *frame.WelcomePlain) { w.User = "bob" },
		"for another device":  func(w *frame.WelcomePlain) { w.Device = "x" },
		"of another version":  func(w *frame.WelcomePlain) { w.V = 1 },
		"without a session":   func(w *frame.WelcomePlain) { w.SID = "" },
		"sealed as a message": func(*frame.WelcomePlain) {},
	} {
		w, typ := good, envelope.TypeWelcome
		if change != nil {
			change(&w)
		}
		if name == "sealed as a message" {
			typ = envelope.TypeSealedMessage
		}
		jwe := must[string](t)(envelope.Seal(enc, typ, must[[]byte](t)(strict.Marshal(w))))
		if _, err := d.OpenWelcome(frame.Welcome{JWE: jwe}, nonce); (err == nil) != (change == nil) {
			t.Errorf("a welcome %s: got %v, want an error: %v", name, err, change != nil)
		}
	}
}

func TestAnotherDeviceOfTheOwnUserIsNew(t *testing.T) {
	d := must[*Device](t)(Load(deployment(t, "abc.example/prod").User("ada")))
	if fresh, err := d.pin("ada", d.ID()); fresh || err != nil {
		t.Errorf("pin the own device: fresh %v, %v; want false", fresh, err)
	}
	if fresh, err := d.pin("ada", "another"); !fresh || err != nil {
		t.Errorf("pin another device: fresh %v, %v; want true", fresh, err)
	}
}

func TestPagesAreBounded(t *testing.T) {
	for _, c := range []struct {
		from, to chat.Seq
		ok       bool
	}{{1, 0, true}, {5, 4, true}, {1, 100, true}, {1, 101, false}, {0, 3, false}, {-5, -1, false},
		{1, 1 << 60, false}} {
		if err := CheckPage(frame.History{From: c.from, To: c.to}); (err == nil) != c.ok {
			t.Errorf("CheckPage from %d to %d: got %v, want ok: %v", c.from, c.to, err, c.ok)
		}
	}
}
