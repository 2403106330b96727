package frame_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

type claimsVector struct {
	Name     string
	Text     string
	Accepted bool
}

func readClaimsVectors(t testing.TB) []claimsVector {
	t.Helper()
	data, err := os.ReadFile("testdata/messageclaims.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []claimsVector }
	if err := json.Unmarshal(data, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("got %d vectors and error %v", len(file.Vectors), err)
	}
	return file.Vectors
}

// readMessageClaims reads claims as a receiving client does.
func readMessageClaims(text []byte) (frame.MessageClaims, error) {
	var c frame.MessageClaims
	if err := strict.UnmarshalClaims(text, &c); err != nil {
		return c, err
	}
	if err := c.Check(); err != nil {
		return c, err
	}
	return c, c.Sub.Check()
}

// Vulnerability: claims of one signature mean a message to some readers only,
// for example without body or with a member nested 65 levels deep. Attack: the
// sender signs such claims. This verifies that Go accepts and refuses the
// vectors, which the web client reads too.
func TestAttackClaimsThatReadersDisagreeAbout(t *testing.T) {
	for _, v := range readClaimsVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			if c, err := readMessageClaims([]byte(v.Text)); v.Accepted != (err == nil) {
				t.Errorf("got %+v and error %v, want accepted = %t", c, err, v.Accepted)
			}
		})
	}
}
