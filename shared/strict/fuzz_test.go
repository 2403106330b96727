package strict_test

import (
	stdjson "encoding/json"
	"reflect"
	"testing"

	"github.com/sotto-chat/sotto/shared/strict"
	"github.com/sotto-chat/sotto/shared/strict/readertest"
)

// FuzzReaders compares Go and the web client: both refuse a text, or both read
// the same value. A value that was read means the same when it is written and
// read again. The seeds are the vectors.
func FuzzReaders(f *testing.F) {
	web := readertest.Start(f)
	for _, v := range readJSONVectors(f) {
		f.Add(v.input(f))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return // larger than every token and frame
		}
		var value any
		err := strict.Unmarshal(text, &value)
		there, accepted := web.Read(t, readertest.JSON, text)
		if accepted != (err == nil) {
			t.Fatalf("%q: Go got error %v, the web client read %s", text, err, there)
		}
		if err != nil {
			return
		}
		var webValue, again any
		if err := stdjson.Unmarshal([]byte(there), &webValue); err != nil || !reflect.DeepEqual(value, webValue) {
			t.Errorf("%q: Go read %#v, the web client %s", text, value, there)
		}
		written, err := strict.Marshal(value)
		if err != nil {
			t.Fatalf("write %#v: %v", value, err)
		}
		if err := strict.Unmarshal(written, &again); err != nil || !reflect.DeepEqual(value, again) {
			t.Errorf("%s: got %#v and error %v, want %#v", written, again, err, value)
		}
	})
}
