package chaos

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/sotto-chat/sotto/shared/chat"
)

// These tests show that each check can fail. Each history has one mistake and
// stands beside the same history without it.

// at returns an operation from call to end; end 0 means that it has not
// returned.
func at(call, end instant, o operation) *operation {
	o.Call, o.Return = call, end
	if end == 0 {
		o.Return = noReturn
	}
	return &o
}

func sent(call, end instant, t text, seq chat.Seq) *operation {
	return at(call, end, operation{Kind: kindSend, User: "ada", Room: "den", Text: t, Seq: seq})
}

func read(call, end instant, head, from chat.Seq, texts ...text) *operation {
	return at(call, end, operation{
		Kind:  kindRead,
		User:  "bob",
		Room:  "den",
		After: from - 1,
		Head:  head,
		From:  from,
		Texts: texts,
	})
}

func asked(call, end instant, head chat.Seq) *operation {
	return at(call, end, operation{Kind: kindHead, User: "bob", Room: "den", Head: head})
}

func rotated(call, end instant, gen int64) *operation {
	return at(call, end, operation{Kind: kindRotate, User: "ada", Gen: gen})
}

func sealed(call, end instant, gen int64) *operation {
	return at(call, end, operation{Kind: kindSealed, User: "ada", Gen: gen})
}

func TestTheModelOfALogRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		log  []text // at the end
		good bool
		ops  []*operation
	}{
		"an empty log": {nil, true, nil},
		"one after the other": {[]text{1, 2}, true,
			[]*operation{sent(1, 2, 1, 1), sent(3, 4, 2, 2), read(5, 6, 2, 1, 1, 2)}},
		"concurrent, in the other order": {[]text{2, 1}, true, []*operation{sent(1, 4, 1, 2), sent(2, 3, 2, 1)}},
		"a page that ends early": {[]text{1, 2}, true,
			[]*operation{sent(1, 2, 1, 1), sent(3, 4, 2, 2), read(5, 6, 2, 1, 1)}},
		"stored without an answer": {[]text{1, 2}, true, []*operation{sent(1, 0, 1, 0), sent(2, 3, 2, 2)}},
		"stored without an answer, much later": {[]text{2, 1}, true,
			[]*operation{sent(1, 0, 1, 0), sent(2, 3, 2, 1), read(4, 5, 1, 1, 2)}},
		"never stored, without an answer":  {[]text{2}, true, []*operation{sent(1, 0, 1, 0), sent(2, 3, 2, 1)}},
		"a read without an answer":         {[]text{1}, true, []*operation{sent(1, 2, 1, 1), read(3, 0, 0, 1)}},
		"a lost append":                    {nil, false, []*operation{sent(1, 2, 1, 1)}},
		"an append lost after it was read": {nil, false, []*operation{sent(1, 0, 1, 0), read(2, 3, 1, 1, 1)}},
		"an append lost to the next one":   {[]text{2}, false, []*operation{sent(1, 2, 1, 1), sent(3, 4, 2, 1)}},
		"a gap":                            {[]text{1, 2}, false, []*operation{sent(1, 2, 1, 1), sent(3, 4, 2, 3)}},
		"two orders": {[]text{1, 2}, false,
			[]*operation{sent(1, 4, 1, 1), sent(2, 3, 2, 2), read(5, 6, 2, 1, 2, 1)}},
		"an order against real time": {[]text{2, 1}, false, []*operation{sent(1, 2, 1, 2), sent(3, 4, 2, 1)}},
		"a stale page": {[]text{1, 2}, false,
			[]*operation{sent(1, 2, 1, 1), sent(3, 4, 2, 2), read(5, 6, 1, 1, 1)}},
		"a stale head": {[]text{1, 2}, false,
			[]*operation{sent(1, 2, 1, 1), sent(3, 4, 2, 2), asked(5, 6, 1)}},
		"a head that goes back": {[]text{1}, false,
			[]*operation{sent(1, 9, 1, 1), asked(2, 3, 1), asked(4, 5, 0)}},
		"a page from the future":       {[]text{1}, false, []*operation{read(1, 2, 1, 1, 1), sent(3, 4, 1, 1)}},
		"an empty page before the end": {[]text{1}, false, []*operation{sent(1, 2, 1, 1), read(3, 4, 1, 1)}},
		"a page that begins elsewhere": {[]text{1, 2}, false,
			[]*operation{sent(1, 2, 1, 1), sent(3, 4, 2, 2), at(5, 6, operation{
				Kind:  kindRead,
				Room:  "den",
				Head:  2,
				From:  2,
				Texts: []text{2},
			})}},
		"a page longer than the log": {[]text{1}, false,
			[]*operation{sent(1, 2, 1, 1), read(3, 4, 1, 1, 1, 1)}},
		"a text that its reader could not open": {[]text{1}, false,
			[]*operation{sent(1, 2, 1, 1), read(3, 4, 1, 1, unreadable)}},
		"a text that no client sent": {[]text{1, 3}, false, []*operation{sent(1, 2, 1, 1)}},
	} {
		partitions := logPartitions([]view{{who: "carol", room: "den", texts: c.log}}, c.ops)
		if problems := linearizable(partitions); (len(problems) == 0) != c.good {
			t.Errorf("%s: got the problems %q, want none: %v", name, problems, c.good)
		}
	}
}

func TestTheModelOfAKeyRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		good bool
		ops  []*operation
	}{
		"one after the other": {true,
			[]*operation{sealed(1, 2, 1), rotated(3, 4, 2), sealed(5, 6, 2), rotated(7, 8, 3), sealed(9, 10, 3)}},
		"the old key during the rotation": {true, []*operation{rotated(1, 4, 2), sealed(2, 3, 1)}},
		"the new key during the rotation": {true, []*operation{rotated(1, 4, 2), sealed(2, 3, 2)}},
		"a rotation without an answer":    {true, []*operation{rotated(1, 0, 2), sealed(2, 3, 1), sealed(4, 5, 2)}},
		"a rotation repeated": {true,
			[]*operation{rotated(1, 0, 2), sealed(2, 3, 2), rotated(4, 5, 2), sealed(6, 7, 2)}},
		"a stale key":               {false, []*operation{rotated(1, 2, 2), sealed(3, 4, 1)}},
		"a key that comes back":     {false, []*operation{rotated(1, 9, 2), sealed(2, 3, 2), sealed(4, 5, 1)}},
		"a key before its rotation": {false, []*operation{sealed(1, 2, 2), rotated(3, 4, 2)}},
		"a rotation undone": {false,
			[]*operation{rotated(1, 2, 2), rotated(3, 4, 3), rotated(5, 6, 2), sealed(7, 8, 2)}},
		"a generation skipped": {false, []*operation{rotated(1, 2, 3), sealed(3, 4, 3)}},
	} {
		seals, rotations := split(c.ops)
		if problems := linearizable(keyPartitions(seals, rotations)); (len(problems) == 0) != c.good {
			t.Errorf("%s: got the problems %q, want none: %v", name, problems, c.good)
		}
	}
}

func split(operations []*operation) (seals, rotations []*operation) {
	for _, o := range operations {
		if o.Kind == kindSealed {
			seals = append(seals, o)
		} else {
			rotations = append(rotations, o)
		}
	}
	return seals, rotations
}

func TestTheCheckOfLogsRefuses(t *testing.T) {
	good := []*operation{sent(1, 2, 1, 1), sent(3, 4, 2, 2), sent(5, 0, 3, 0)}
	den := func(who string, texts ...text) view { return view{who: who, room: "den", texts: texts} }
	for name, c := range map[string]struct {
		log  view
		seen view
		want string // part of the problem; "" for none
		lost int
	}{
		"the same logs":                     {den("carol", 1, 2), den("ada", 1, 2), "", 0},
		"stored without an answer":          {den("carol", 1, 2, 3), den("ada", 1, 2, 3), "", 0},
		"acknowledged and lost":             {den("carol", 1), den("ada", 1), "want seq 2 as acknowledged", 1},
		"acknowledged and stored elsewhere": {den("carol", 2, 1), den("ada", 2, 1), "want seq 1 as acknowledged", 2},
		"stored twice":                      {den("carol", 1, 2, 2), den("ada", 1, 2, 2), "at the seqs [2 3]", 0},
		"sent by no client":                 {den("carol", 1, 2, 9), den("ada", 1, 2, 9), "no client sent", 0},
		"another order for one client": {den("carol", 1, 2), den("ada", 2, 1),
			"at seq 1 ada has text 2, carol has text 1", 0},
		"missed by one client":      {den("carol", 1, 2), den("ada", 1), "ada has 1 messages", 0},
		"unreadable for one client": {den("carol", 1, 2), den("ada", 1, unreadable), "ada has text -1", 0},
	} {
		problems, lost := lostOrDuplicated(c.log, []view{c.seen, {who: "bob", room: "lobby"}}, good)
		all := strings.Join(problems, "; ")
		if (c.want == "") != (all == "") || !strings.Contains(all, c.want) || lost != c.lost {
			t.Errorf("%s: got %q, %d lost; want %q, %d lost", name, all, lost, c.want, c.lost)
		}
	}
}

func TestTheCheckOfKeysRefuses(t *testing.T) {
	h := newHistory("secret")
	h.generation = map[string]int64{"first": 1, "second": 2}
	log := []view{{who: "carol", room: "den", texts: []text{1, 2}}}
	operations := []*operation{sent(1, 2, 1, 1), rotated(3, 5, 2), sent(6, 8, 2, 2)}
	for name, c := range map[string]struct {
		deliveries []delivery
		pages      []pageSeal
		want       string
	}{
		"each to the newest": {[]delivery{{
			User: "ada",
			Room: "den",
			Seq:  1,
			Key:  "first",
			At:   2,
		}, {
			User: "ada",
			Room: "den",
			Seq:  2,
			Key:  "second",
			At:   7,
		}}, nil, ""},
		"sent before, delivered after": {[]delivery{{User: "ada", Room: "den", Seq: 1, Key: "first", At: 9}}, nil, ""},
		"a page while it rotates":      {nil, []pageSeal{{User: "ada", Key: "first", Call: 4, Return: 9}}, ""},
		"a message to the old one": {[]delivery{{
			User: "ada",
			Room: "den",
			Seq:  2,
			Key:  "first",
			At:   7,
		}}, nil, "sealed to generation 1, want at least 2"},
		"a page to the old one": {nil, []pageSeal{{
			User:   "ada",
			Key:    "first",
			Call:   6,
			Return: 7,
		}}, "sealed to generation 1, want at least 2"},
		"a key of another device": {[]delivery{{
			User: "ada",
			Room: "den",
			Seq:  1,
			Key:  "eve's",
			At:   2,
		}}, nil, "not a key of its device"},
		"a message that is in no log": {[]delivery{{
			User: "ada",
			Room: "den",
			Seq:  3,
			Key:  "first",
			At:   2,
		}}, nil, "not in the log"},
	} {
		h.deliveries, h.pages = c.deliveries, c.pages
		seals, problems := h.seals(sendsByPlace(log, operations))
		all := strings.Join(append(problems, stale(seals, operations)...), "; ")
		if (c.want == "") != (all == "") || !strings.Contains(all, c.want) {
			t.Errorf("%s: got %q, want %q", name, all, c.want)
		}
	}
}

func TestEqualLogsAreEqual(t *testing.T) {
	grow := func(texts ...text) any {
		state := roomLog.Init()
		for i, t := range texts {
			_, state = roomLog.Step(state, appendText(t), chat.Seq(i+1))
		}
		return state
	}
	for _, c := range []struct {
		a, b  any
		equal bool
	}{
		{grow(), grow(), true},
		{grow(1, 2), grow(1, 2), true},
		{grow(1, 2), grow(2, 1), false},
		{grow(1, 2), grow(3, 2), false},
		{grow(1), grow(), false},
	} {
		if roomLog.Equal(c.a, c.b) != c.equal || roomLog.Equal(c.b, c.a) != c.equal {
			t.Errorf("Equal(%v, %v): got %v, want %v", c.a, c.b, !c.equal, c.equal)
		}
	}
	if porcupine.CheckOperations(keyRegister, nil) != true {
		t.Error("an empty history: got not linearizable, want linearizable")
	}
}

// TestTheSearchFinds shows that the search would find a text: otherwise finding
// nothing proves nothing.
func TestTheSearchFinds(t *testing.T) {
	const secret, canary = "secret0123456789abcdef", "writer-1"
	encoded := []string{"x" + secret + "y", hex.EncodeToString([]byte("xy" + secret)),
		strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for _, before := range []string{"", "1", "12", "123", "1234"} {
		for _, after := range []string{"", "1", "12"} {
			encoded = append(encoded,
				base64.StdEncoding.EncodeToString([]byte(before+secret+after)),
				base64.RawURLEncoding.EncodeToString([]byte(before+secret+after)))
		}
	}
	for _, data := range encoded {
		dir := t.TempDir()
		for name, content := range map[string]string{"with": "\x00\xff" + data + "\n", "without": canary} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if problems, size, err := plaintext(dir, secret, canary); err != nil || len(problems) == 0 ||
			size != len(data)+3+len(canary) {
			t.Errorf("%s: got %v in %d bytes, %v; want the text found in all bytes", data, problems, size, err)
		}
		if problems, _, err := plaintext(dir, "another0123456789abcdef", canary); err != nil || len(problems) != 0 {
			t.Errorf("%s: got another text in %v, %v; want it nowhere", data, problems, err)
		}
		if _, _, err := plaintext(dir, secret, "not there"); err == nil {
			t.Errorf("%s: got no error without the canary, want one", data)
		}
	}
}
