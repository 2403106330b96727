package harmless_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/sotto-chat/sotto/clients/sotto/harmless"
)

// Vulnerability: control and invisible characters of a text act on the reader's
// screen. Attack: mallory sends "invoice\u202efdp.exe", which reads as a PDF,
// or a sequence that moves the terminal's cursor. This verifies that such
// characters are shown as what they are; the web client has the same vectors.
func TestAttackCharactersThatActOnTheScreen(t *testing.T) {
	data, err := os.ReadFile("testdata/shown.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct{ Name, Text, Shown string }
	}
	if err := json.Unmarshal(data, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("got %d vectors and error %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		if got := harmless.Text(v.Text); got != v.Shown {
			t.Errorf("%s: got %q, want %q", v.Name, got, v.Shown)
		}
	}
}
