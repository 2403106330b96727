package strict

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type note struct {
	Body string `json:"body"`
	N    int64  `json:"n"`
}

func TestUnmarshalAccepts(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want note
	}{
		"plain":                  {`{"body":"hi","n":3}`, note{"hi", 3}},
		"unknown member":         {`{"body":"hi","later":{"a":[1]}}`, note{Body: "hi"}},
		"other case is unknown":  {`{"Body":"no","body":"yes","BODY":"no"}`, note{Body: "yes"}},
		"white space around":     {" \n{\"body\":\"hi\"}\t", note{Body: "hi"}},
		"paired surrogate":       {`{"body":"\ud83d\ude00"}`, note{Body: "😀"}},
		"escaped name is a name": {`{"\u0062ody":"hi"}`, note{Body: "hi"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got note
			if err := Unmarshal([]byte(tc.in), &got); err != nil || got != tc.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"empty":                  ``,
		"duplicate":              `{"body":"a","body":"b"}`,
		"duplicate by escape":    `{"body":"a","\u0062ody":"b"}`,
		"duplicate unknown":      `{"x":1,"x":1}`,
		"duplicate deep inside":  `{"x":{"y":1,"y":2}}`,
		"trailing value":         `{"body":"a"}{}`,
		"trailing text":          `{"body":"a"}x`,
		"comment":                `{"body":"a"}// c`,
		"trailing comma":         `{"body":"a",}`,
		"single quotes":          `{'body':'a'}`,
		"invalid UTF-8":          "{\"body\":\"\xff\"}",
		"overlong UTF-8":         "{\"body\":\"\xc0\xaf\"}",
		"UTF-8 of a surrogate":   "{\"body\":\"\xed\xa0\x80\"}",
		"lone high surrogate":    `{"body":"\ud800"}`,
		"lone low surrogate":     `{"body":"\udc00"}`,
		"surrogate in a name":    `{"\ud800":1}`,
		"control character":      "{\"body\":\"a\nb\"}",
		"byte order mark":        "\ufeff{\"body\":\"a\"}",
		"wrong kind":             `{"body":7}`,
		"number as text":         `{"n":"7"}`,
		"fraction in an integer": `{"n":1.5}`,
		"integer too large":      `{"n":9223372036854775808}`,
		"leading zero":           `{"n":01}`,
		"NaN":                    `{"n":NaN}`,
		"too deep":               `{"x":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			var got note
			if err := Unmarshal([]byte(in), &got); err == nil {
				t.Fatalf("accepted %q as %+v", in, got)
			}
		})
	}
}

// The reason this package exists: the standard reader lets the second name win.
func TestStandardReaderDiffers(t *testing.T) {
	in := []byte(`{"body":"shown","Body":"hidden"}`)
	var standard, ours note
	if err := json.Unmarshal(in, &standard); err != nil {
		t.Fatal(err)
	}
	if err := Unmarshal(in, &ours); err != nil {
		t.Fatal(err)
	}
	if standard.Body != "hidden" || ours.Body != "shown" {
		t.Fatalf("encoding/json read %q, strict read %q", standard.Body, ours.Body)
	}
}

func TestErrorsNeverQuoteTheInput(t *testing.T) {
	for _, in := range []string{
		`{"n":"secret"}`, `{"secret":1,"secret":2}`, `{"body":secret}`, `{"n":31337.5}`, `secret`,
	} {
		var got note
		err := Unmarshal([]byte(in), &got)
		if err == nil {
			t.Fatalf("accepted %q", in)
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "31337") {
			t.Errorf("error quotes the input: %v", err)
		}
	}
}

var errPicky = errors.New("picky")

type picky struct{}

func (*picky) UnmarshalText([]byte) error { return errPicky }

func TestErrorOfATypeCanBeTold(t *testing.T) {
	var v struct{ P picky }
	if err := Unmarshal([]byte(`{"P":"x"}`), &v); !errors.Is(err, errPicky) {
		t.Fatalf("got %v, want one that is errPicky", err)
	}
}

func TestMarshal(t *testing.T) {
	got, err := Marshal(map[string]string{"b": "<a & b>\u2028", "a": "é"})
	if want := "{\"a\":\"é\",\"b\":\"<a & b>\u2028\"}"; err != nil || string(got) != want {
		t.Fatalf("got %s, %v; want %s", got, err, want)
	}
	if out, err := Marshal("\xff"); err == nil {
		t.Fatalf("invalid UTF-8 became %q", out)
	}
}
