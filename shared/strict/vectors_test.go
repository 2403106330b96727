package strict_test

import (
	"encoding/base64"
	stdjson "encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/sotto-chat/sotto/shared/strict"
)

// jsonVector is one of testdata/json.json.
type jsonVector struct {
	Name     string
	Text     string
	Bytes    string // base64url, if it is not text
	Accepted bool
	Value    any
}

func readJSONVectors(t testing.TB) []jsonVector {
	t.Helper()
	data, err := os.ReadFile("testdata/json.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []jsonVector }
	if err := stdjson.Unmarshal(data, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("got %d vectors and error %v", len(file.Vectors), err)
	}
	return file.Vectors
}

func (v *jsonVector) input(t testing.TB) []byte {
	if v.Bytes == "" {
		return []byte(v.Text)
	}
	data, err := base64.RawURLEncoding.DecodeString(v.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Vulnerability: two readers of JSON disagree about a text. Attack: the sender
// signs a text that some clients show and others refuse or read differently.
// This verifies that Go accepts and refuses the vectors, which the web client
// reads too (clients/web/src/lib/json.test.ts).
func TestAttackTextThatReadersDisagreeAbout(t *testing.T) {
	for _, v := range readJSONVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			var got any
			err := strict.Unmarshal(v.input(t), &got)
			if v.Accepted != (err == nil) {
				t.Fatalf("got %v and error %v, want accepted = %t", got, err, v.Accepted)
			}
			if v.Accepted && !reflect.DeepEqual(got, v.Value) {
				t.Errorf("got %#v, want %#v", got, v.Value)
			}
		})
	}
}

// A struct that does not name a member must not make its value acceptable.
func TestUnknownMembersAreScannedToo(t *testing.T) {
	for _, v := range readJSONVectors(t) {
		var got struct{ None string }
		err := strict.Unmarshal([]byte(`{"x":`+string(v.input(t))+`}`), &got)
		if !v.Accepted && err == nil {
			t.Errorf("%s: accepted within an unknown member", v.Name)
		}
	}
}

func TestUnmarshalClaims(t *testing.T) {
	type claims struct {
		Sub  string `json:"sub"`
		N    int    `json:"n"`
		Link string `json:"link,omitzero"`
	}
	for name, tc := range map[string]struct {
		in   string
		want claims
		ok   bool
	}{
		"all members":            {`{"sub":"ada","n":0,"link":"x"}`, claims{"ada", 0, "x"}, true},
		"optional member absent": {`{"n":1,"sub":""}`, claims{N: 1}, true},
		"required member absent": {`{"sub":"ada"}`, claims{}, false},
		"required member null":   {`{"sub":"ada","n":null}`, claims{}, false},
		"optional member null":   {`{"sub":"ada","n":1,"link":null}`, claims{}, false},
		"optional member empty":  {`{"sub":"ada","n":1,"link":""}`, claims{}, false},
		"unknown member":         {`{"sub":"ada","n":1,"x":1}`, claims{}, false},
		"name in another case":   {`{"sub":"ada","N":1}`, claims{}, false},
		"null":                   {`null`, claims{}, false},
		"array":                  {`[]`, claims{}, false},
		"empty object":           {`{}`, claims{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var got claims
			err := strict.UnmarshalClaims([]byte(tc.in), &got)
			if tc.ok != (err == nil) || tc.ok && got != tc.want {
				t.Errorf("got %+v and error %v, want %+v, accepted = %t", got, err, tc.want, tc.ok)
			}
		})
	}
}
