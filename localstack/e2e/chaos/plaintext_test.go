package chaos

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// forms returns the ways in which a text can appear in bytes without
// encryption: plain, in hexadecimal, and in both alphabets of base64 at each of
// the three offsets that it can have in the encoded bytes.
func forms(text string) map[string][]byte {
	f := map[string][]byte{
		"plain":        []byte(text),
		"in hex":       []byte(hex.EncodeToString([]byte(text))),
		"in upper hex": []byte(strings.ToUpper(hex.EncodeToString([]byte(text)))),
	}
	for offset, name := range []string{" at 0", " at 1", " at 2"} {
		before := strings.Repeat("\x00", offset)
		// Only the characters whose bits are all the text's.
		first, last := (offset*8+5)/6, (offset+len(text))*8/6
		f["in base64"+name] = []byte(base64.RawStdEncoding.EncodeToString([]byte(before + text))[first:last])
		f["in base64url"+name] = []byte(base64.RawURLEncoding.EncodeToString([]byte(before + text))[first:last])
	}
	return f
}

// found yields the names of the forms that data contains.
func found(data []byte, forms map[string][]byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name, form := range forms {
			if bytes.Contains(data, form) && !yield(name) {
				return
			}
		}
	}
}

// search looks for a text, in all its forms, in all files of a folder except
// executables, which are older than any text. It returns the places and the
// number of bytes that it has read.
func search(dir, text string) (places []string, size int, err error) {
	wanted := forms(text)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "functions" {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		size += len(data)
		for form := range found(data, wanted) {
			places = append(places, path+" "+form)
		}
		return nil
	})
	return places, size, err
}

// plaintext checks the fourth promise: no text is in anything that the stack
// has written. The canary must be there; that the search finds it shows that it
// would find a text.
func plaintext(dir, marker, canary string) (problems []string, size int, err error) {
	there, _, err := search(dir, canary)
	if err == nil && len(there) == 0 {
		err = errors.New("the search finds nothing, not even " + canary)
	}
	if err != nil {
		return nil, 0, err
	}
	places, size, err := search(dir, marker)
	for _, place := range places {
		problems = append(problems, "found a text in "+place)
	}
	return problems, size, err
}
