package envelope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// frameVectors are testdata/frames.json: sessions with the keys that follow
// from them, and frames to accept and to refuse under the first session's keys.
type frameVectors struct {
	Sessions []sessionVector `json:"sessions"`
	Accepted []frameVector   `json:"accepted"`
	Refused  []frameVector   `json:"refused"`
}

// sessionVector has all values in base64url but the proof.
type sessionVector struct {
	Comment   string `json:"comment"`
	Secret    string `json:"secret"`
	Nonce     string `json:"nonce"`
	Proof     string `json:"proof"`
	ToService string `json:"toService"`
	ToClient  string `json:"toClient"`
}

// frameVector is a frame. Frame has its bytes in base64url.
type frameVector struct {
	Comment string `json:"comment"`
	Key     string `json:"key"` // "toService" or "toClient"
	Text    string `json:"text,omitempty"`
	Frame   string `json:"frame"`
}

const framesFile = "testdata/frames.json"

func readFrameVectors(t *testing.T) (v frameVectors) {
	t.Helper()
	data, err := os.ReadFile(framesFile)
	if err != nil {
		t.Fatal(err)
	}
	err = json.Unmarshal(data, &v)
	if err != nil || len(v.Sessions) == 0 || len(v.Accepted) == 0 || len(v.Refused) == 0 {
		t.Fatalf("read the vectors: %v", err)
	}
	return v
}

func (v sessionVector) derive(t *testing.T) map[string]*MACKey {
	t.Helper()
	toService, toClient, err := DeriveMACKeys(must(decode(v.Secret)), must(decode(v.Nonce)), v.Proof)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*MACKey{"toService": toService, "toClient": toClient}
}

func TestFrameVectors(t *testing.T) {
	if *update {
		writeFrameVectors(t)
	}
	v := readFrameVectors(t)
	seen := map[string]string{}
	for _, s := range v.Sessions {
		keys := s.derive(t)
		for name, want := range map[string]string{"toService": s.ToService, "toClient": s.ToClient} {
			got := base64url.EncodeToString(keys[name].Bytes())
			if got != want {
				t.Errorf("%s: got the key %s %s, want %s", s.Comment, name, got, want)
			}
			if other, twice := seen[got]; twice {
				t.Errorf("%s: got the key %s of %s, want another one", s.Comment, name, other)
			}
			seen[got] = s.Comment
		}
	}
	keys := v.Sessions[0].derive(t)
	for _, f := range v.Accepted {
		frame := must(decode(f.Frame))
		if err := keys[f.Key].Verify(frame); err != nil {
			t.Errorf("%s: got %v, want it accepted", f.Comment, err)
		}
		if again := must(keys[f.Key].Authenticate([]byte(f.Text))); !bytes.Equal(again, frame) {
			t.Errorf("%s: got %s, want %s", f.Comment, again, frame)
		}
		for i := range frame { // no other bytes are accepted
			other := bytes.Clone(frame)
			other[i] ^= 1
			if keys[f.Key].Verify(other) == nil {
				t.Errorf("%s: accepted with byte %d changed", f.Comment, i)
			}
		}
	}
	for _, f := range v.Refused {
		if keys[f.Key].Verify(must(decode(f.Frame))) == nil {
			t.Errorf("%s: accepted, want it refused", f.Comment)
		}
	}
}

func TestMACKeysDoNotPrint(t *testing.T) {
	key := must(MACKeyFromBytes(bytes.Repeat([]byte{0xab}, 32)))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, value := range []any{key, *key} {
			if got := fmt.Sprintf(verb, value); got != "[MAC key]" {
				t.Errorf("%s prints %s, want no key", verb, got)
			}
		}
	}
}

func TestMACKeysOfTheWrongLength(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := MACKeyFromBytes(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes: accepted, want it refused", n)
		}
		if _, _, err := DeriveMACKeys(make([]byte, n), make([]byte, 32), "p"); err == nil {
			t.Errorf("a secret of %d bytes: accepted, want it refused", n)
		}
		if _, _, err := DeriveMACKeys(make([]byte, 32), make([]byte, n), "p"); err == nil {
			t.Errorf("a nonce of %d bytes: accepted, want it refused", n)
		}
	}
}

// writeFrameVectors makes testdata/frames.json. Nothing in it is random.
func writeFrameVectors(t *testing.T) {
	encode := base64url.EncodeToString
	session := func(comment string, secret, nonce byte, proof string) sessionVector {
		s := sessionVector{
			Comment: comment,
			Secret:  encode(bytes.Repeat([]byte{secret}, 32)),
			Nonce:   encode(bytes.Repeat([]byte{nonce}, 32)),
			Proof:   proof,
		}
		keys := s.derive(t)
		s.ToService, s.ToClient = encode(keys["toService"].Bytes()), encode(keys["toClient"].Bytes())
		return s
	}
	v := frameVectors{Sessions: []sessionVector{
		session("a session", 1, 2, "e30.e30.e30"),
		session("another secret", 3, 2, "e30.e30.e30"),
		session("another nonce", 1, 3, "e30.e30.e30"),
		session("another proof", 1, 2, "e30.e30.e31"),
	}}
	keys, other := v.Sessions[0].derive(t), v.Sessions[1].derive(t)
	for comment, f := range map[string][2]string{
		"a request":                {"toService", `{"action":"leaveRoom","ref":"r","room":"den"}`},
		"an answer":                {"toClient", `{"type":"left","ref":"r","room":"den"}`},
		"text outside ASCII":       {"toClient", `{"type":"error","message":"é 😀"}`},
		"a mac inside a text":      {"toService", `{"action":"x","text":"\",\"mac\":\"AAAAAAAAAAAAAAAAAAAAAA\"}"}`},
		"a mac in an inner object": {"toService", `{"action":"x","inner":{"mac":"AAAAAAAAAAAAAAAAAAAAAA"}}`},
		"white space":              {"toService", "{ \"action\" : \"ping\" }"},
	} {
		frame := must(keys[f[0]].Authenticate([]byte(f[1])))
		v.Accepted = append(v.Accepted, frameVector{Comment: comment, Key: f[0], Text: f[1], Frame: encode(frame)})
	}
	slices.SortFunc(v.Accepted, func(a, b frameVector) int { return strings.Compare(a.Comment, b.Comment) })
	text := `{"action":"leaveRoom","ref":"r","room":"den"}`
	good := string(must(keys["toService"].Authenticate([]byte(text))))
	mac := good[len(good)-macLen-len(macSuffix) : len(good)-len(macSuffix)]
	signed := func(covered string) string {
		return covered + macPrefix + string(keys["toService"].mac([]byte(covered))) + macSuffix
	}
	refuse := func(comment, key, frame string) {
		v.Refused = append(v.Refused, frameVector{Comment: comment, Key: key, Frame: encode([]byte(frame))})
	}
	refuse("without mac", "toService", text)
	refuse("empty", "toService", "")
	refuse("the key of the other direction", "toClient", good)
	refuse("the key of another session", "toService", string(must(other["toService"].Authenticate([]byte(text)))))
	refuse("another room", "toService", strings.Replace(good, "den", "pub", 1))
	refuse("a space behind", "toService", good+" ")
	refuse("a line feed behind", "toService", good+"\n")
	refuse("a space before the mac", "toService", strings.Replace(good, `,"mac"`, `, "mac"`, 1))
	refuse("a second object behind", "toService", good+"{}")
	refuse("mac in capitals", "toService", strings.Replace(good, `"mac"`, `"MAC"`, 1))
	refuse("mac of 21 characters", "toService", strings.Replace(good, mac, mac[:21], 1))
	refuse("mac of 23 characters", "toService", strings.Replace(good, mac, mac+"A", 1))
	refuse("mac with padding", "toService", strings.Replace(good, mac, mac+"==", 1))
	refuse("the other spelling of the last character", "toService", strings.Replace(good, mac, mac[:21]+next(mac[21]), 1))
	refuse("mac of zeros", "toService", strings.Replace(good, mac, strings.Repeat("A", 22), 1))
	refuse("mac twice", "toService", signed(strings.TrimSuffix(good, "}")))
	refuse("mac first as well", "toService", signed(`{"mac":"`+mac+`","action":"leaveRoom"`))
	refuse("a member twice", "toService", signed(`{"action":"ping","action":"leaveRoom"`))
	refuse("a member twice by an escape", "toService", signed(`{"action":"ping","\u0061ction":"leaveRoom"`))
	refuse("mac in an inner object", "toService", signed(`{"action":"ping","inner":{"a":1`))
	refuse("mac in a list", "toService", signed(`["action"`))
	refuse("a lone surrogate", "toService", signed(`{"action":"ping","ref":"\ud800"`))
	refuse("invalid UTF-8", "toService", signed("{\"action\":\"ping\",\"ref\":\"\xff\""))
	refuse("no member before the mac", "toService", signed(`{`))
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(framesFile, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// next returns the character of base64url whose lowest bit differs.
func next(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1:][:1]
}
