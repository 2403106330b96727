package frame_test

import (
	"encoding/json"
	"testing"

	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict/readertest"
)

// FuzzMessageClaims compares Go and the web client: both refuse the claims of a
// message, or both read the same message. The seeds are the vectors.
func FuzzMessageClaims(f *testing.F) {
	web := readertest.Start(f)
	for _, v := range readClaimsVectors(f) {
		f.Add([]byte(v.Text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return // larger than every token
		}
		c, err := readMessageClaims(text)
		there, accepted := web.Read(t, readertest.MessageClaims, text)
		if accepted != (err == nil) {
			t.Fatalf("%q: Go got error %v, the web client read %s", text, err, there)
		}
		if err != nil {
			return
		}
		got := frame.MessageClaims{V: frame.Version}
		if err := json.Unmarshal([]byte(there), &got); err != nil || got != c {
			t.Errorf("%q: Go read %+v, the web client %s", text, c, there)
		}
	})
}
