package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// forms returns the ways in which a text can appear in bytes without
// encryption: plain, in hexadecimal, and in both alphabets of base64 at each of
// the three offsets that the text can have in the encoded bytes.
func forms(text string) map[string][]byte {
	f := map[string][]byte{
		"plain":     []byte(text),
		"hex":       []byte(hex.EncodeToString([]byte(text))),
		"upper hex": []byte(strings.ToUpper(hex.EncodeToString([]byte(text)))),
	}
	for offset, name := range []string{" at 0", " at 1", " at 2"} {
		before := strings.Repeat("\x00", offset)
		// Only the characters whose bits are all the text's.
		first, last := (offset*8+5)/6, (offset+len(text))*8/6
		f["base64"+name] = []byte(base64.RawStdEncoding.EncodeToString([]byte(before + text))[first:last])
		f["base64url"+name] = []byte(base64.RawURLEncoding.EncodeToString([]byte(before + text))[first:last])
	}
	return f
}

// searchBytes searches a file, or all files of a folder, for texts in all their
// forms and returns where each is. Files that vanish during the search are no
// error.
func searchBytes(path string, texts ...string) (places map[string][]string, err error) {
	var seen []fs.FileInfo // hard links to the functions' executables
	wanted := map[string]map[string][]byte{}
	for _, text := range texts {
		if len(text) < 6 {
			return nil, errors.New("too short a text to search for: " + text)
		}
		wanted[text] = forms(text)
	}
	places = map[string][]string{}
	err = filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, other := range seen {
			if os.SameFile(other, info) {
				return nil
			}
		}
		seen = append(seen, info)
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for text, forms := range wanted {
			for form, b := range forms {
				if bytes.Contains(data, b) {
					places[text] = append(places[text], path+" ("+form+")")
				}
			}
		}
		return nil
	})
	if _, missing := os.Stat(path); err == nil && missing != nil {
		err = missing
	}
	return places, err
}

// TestSearchFindsATextInEveryForm shows that the search would find a text:
// otherwise finding nothing proves nothing.
func TestSearchFindsATextInEveryForm(t *testing.T) {
	const text = "Grüße, wer auch immer: ÿ>?~"
	encoded := map[string]string{"plain": "x" + text + "y", "hex": hex.EncodeToString([]byte("xy" + text)),
		"upper": strings.ToUpper(hex.EncodeToString([]byte(text)))}
	for _, before := range []string{"", "1", "12", "123", "1234"} {
		for _, after := range []string{"", "1", "12"} {
			encoded["std"+before+after] = base64.StdEncoding.EncodeToString([]byte(before + text + after))
			encoded["url"+before+after] = base64.RawURLEncoding.EncodeToString([]byte(before + text + after))
		}
	}
	for name, data := range encoded {
		path := filepath.Join(t.TempDir(), "deep", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("\x00\xff"+data+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if places, err := searchBytes(filepath.Dir(filepath.Dir(path)), text); err != nil || len(places) == 0 {
			t.Errorf("%s: got %v, %v; want the text found", name, places, err)
		}
		if places, err := searchBytes(path, text+"!"); err != nil || len(places) != 0 {
			t.Errorf("%s: got another text in %v, %v; want it nowhere", name, places, err)
		}
	}
}
