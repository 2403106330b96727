package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
)

// safetyVector is one entry of testdata/safety.json.
type safetyVector struct {
	Comment string    `json:"comment"`
	Parties [2]Party  `json:"parties"`
	Groups  [6]string `json:"groups"`
	Text    string    `json:"text"`
}

const safetyFile = "testdata/safety.json"

func safetyVectors(t *testing.T) []safetyVector {
	t.Helper()
	data, err := os.ReadFile(safetyFile)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []safetyVector
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors) == 0 {
		t.Fatal("no vectors: ", err)
	}
	return vectors
}

func TestSafetyNumberVectors(t *testing.T) {
	vectors := safetyVectors(t)
	if *update {
		writeSafetyVectors(t, vectors)
	}
	seen := map[string]string{}
	for _, v := range vectors {
		t.Run(v.Comment, func(t *testing.T) {
			s := must(SafetyNumber(v.Parties[0], v.Parties[1]))
			if s.Groups() != v.Groups || s.Text() != v.Text {
				t.Errorf("got %v %s, want %v %s", s.Groups(), s.Text(), v.Groups, v.Text)
			}
			if other, ok := seen[s.Text()]; ok {
				t.Errorf("it is that of %q, too", other)
			}
			seen[s.Text()] = v.Comment
			for _, p := range v.Parties {
				slices.Reverse(p.Devices)
			}
			twice := Party{User: v.Parties[0].User, Devices: append(v.Parties[0].Devices, v.Parties[0].Devices...)}
			if again := must(SafetyNumber(v.Parties[1], twice)); again != s {
				t.Errorf("it depends on the order: %v and %v", again, s)
			}
		})
	}
}

// writeSafetyVectors computes the results anew, by -update.
func writeSafetyVectors(t *testing.T, vectors []safetyVector) {
	for i, v := range vectors {
		s := must(SafetyNumber(v.Parties[0], v.Parties[1]))
		vectors[i].Groups, vectors[i].Text = s.Groups(), s.Text()
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(vectors); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(safetyFile, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNoSafetyNumber(t *testing.T) {
	good := safetyVectors(t)[0].Parties
	thumbprint := good[0].Devices[0]
	for name, p := range map[string]Party{
		"the same user":       {User: good[1].User, Devices: []string{thumbprint}},
		"no name":             {Devices: []string{thumbprint}},
		"no devices":          {User: "carol"},
		"a short thumbprint":  {User: "carol", Devices: []string{thumbprint[1:]}},
		"a loose thumbprint":  {User: "carol", Devices: []string{thumbprint[:42] + "/"}},
		"two lines in a name": {User: "carol\ndave", Devices: []string{thumbprint}},
		"a name like a key":   {User: thumbprint, Devices: []string{thumbprint}},
	} {
		if _, err := SafetyNumber(p, good[1]); !errors.Is(err, ErrSafety) {
			t.Errorf("%s: got %v, want ErrSafety", name, err)
		}
	}
}

func TestCompareSafety(t *testing.T) {
	adas := Party{User: "ada", Devices: []string{"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}}
	bobs := Party{User: "bob", Devices: []string{"--6IM5l0OosLj9yWskISYhUA3n_3CURQkmrYMSha_ck"}}
	carols := Party{User: "carol", Devices: bobs.Devices}
	s := must(SafetyNumber(adas, bobs))
	other := must(SafetyNumber(adas, Party{User: "bob", Devices: append(adas.Devices, bobs.Devices...)}))
	for text, want := range map[string]error{
		s.Text():                                nil,
		" " + s.Text() + "\n":                   nil,
		other.Text():                            ErrSafetyDiffer,
		must(SafetyNumber(adas, carols)).Text(): ErrSafetyUsers,
		s.Text() + "&c=carol":                   ErrSafetyText,
		s.Text()[:len(s.Text())-1]:              ErrSafetyText,
		s.String():                              ErrSafetyText,
		"":                                      ErrSafetyText,
	} {
		if got := s.Compare(text); !errors.Is(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
