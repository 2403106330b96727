package attr

import "testing"

func TestAppendStoredJSON(t *testing.T) {
	for _, text := range []string{
		`{}`,
		`{"pk":{"S":"room"},"sk":{"N":"-12.5"},"raw":{"B":"AAEC"},"on":{"BOOL":true},"off":{"BOOL":false},"none":{"NULL":true}}`,
		`{"quote\"d":{"S":"line\nand \\ and \u00e9 and \u0001"},"":{"S":""}}`,
		`{"tags":{"SS":["b","a"]},"counts":{"NS":["2","10","-1"]},"blobs":{"BS":["AA==","AQ=="]},"z":{"S":"after"}}`,
		`{"m":{"M":{"list":{"L":[{"S":"x"},{"N":"1E+20"},{"M":{}}]},"inner":{"M":{"deep":{"SS":["s"]}}}}},"n":{"N":"0"}}`,
	} {
		var item Item
		if err := item.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		stored := item.AppendBinary(nil)
		got, size, err := AppendStoredJSON([]byte("before"), stored)
		if want := "before" + item.String(); string(got) != want || size != item.Size() || err != nil {
			t.Errorf("stored %s:\n got %s, %d bytes, %v\nwant %s, %d bytes", text, got, size, err, want, item.Size())
		}
		for n := range stored {
			if _, _, err := AppendStoredJSON(nil, stored[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes: got no error", text, n, len(stored))
			}
		}
		if _, _, err := AppendStoredJSON(nil, append(stored, 0)); err == nil {
			t.Errorf("%s with one more byte: got no error", text)
		}
	}
}
