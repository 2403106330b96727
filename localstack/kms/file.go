package kms

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	keySuffix = ".key"         // one file per key, named by its id
	aliasFile = "aliases.json" // all aliases in one file, because they can move
	// fileVersion increases when a field changes its meaning. Files of other
	// versions are refused.
	fileVersion = 1
)

// keyFile is the JSON content of a key file.
type keyFile struct {
	Version     int       `json:"version"`
	ID          string    `json:"id"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Spec        string    `json:"spec,omitempty"`  // empty for a symmetric key
	Usage       string    `json:"usage,omitempty"` // empty for a symmetric key
	Material    []byte    `json:"material"`        // base64; 32 bytes for a symmetric key
}

type aliasesFile struct {
	Version int                   `json:"version"`
	Aliases map[string]aliasEntry `json:"aliases"`
}

type aliasEntry struct {
	KeyID   string    `json:"key"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

func newKey(id, description, spec, usage string) (*key, error) {
	material, err := specs[spec].generate()
	if err != nil {
		return nil, fmt.Errorf("generate key material: %w", err)
	}
	k := &key{id: id, description: description, created: time.Now().UTC(), spec: spec, usage: usage, material: material}
	return k, k.parse()
}

// write writes the file of a new key. It never replaces a file.
func (k *key) write(dir string) error {
	path := filepath.Join(dir, k.id+keySuffix)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists; a key file is never replaced", path)
	}
	f := keyFile{Version: fileVersion, ID: k.id, Description: k.description, Created: k.created, Material: k.material}
	if k.spec != symmetric {
		f.Spec, f.Usage = k.spec, k.usage
	}
	return writeJSON(path, f)
}

func (s *Service) readKeys() (map[string]*key, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list the keys: %w", err)
	}
	keys := make(map[string]*key)
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), keySuffix)
		if !ok {
			continue
		}
		path := filepath.Join(s.dir, e.Name())
		var f keyFile
		if err := readJSON(path, &f); err != nil {
			return nil, err
		}
		switch {
		case f.Version != fileVersion:
			return nil, fmt.Errorf("key file %s: version %d, want %d", path, f.Version, fileVersion)
		case f.ID != id:
			return nil, fmt.Errorf("key file %s: it holds key %q, want %q", path, f.ID, id)
		}
		k := &key{
			id:          id,
			arn:         s.keyARN(id),
			description: f.Description,
			created:     f.Created,
			material:    f.Material,
			spec:        cmp.Or(f.Spec, symmetric),
			usage:       cmp.Or(f.Usage, encryptDecrypt),
		}
		if err := k.parse(); err != nil {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
		keys[id] = k
	}
	return keys, nil
}

func readAliases(path string) (map[string]alias, error) {
	var f aliasesFile
	err := readJSON(path, &f)
	if errors.Is(err, fs.ErrNotExist) {
		return make(map[string]alias), nil
	}
	if err != nil {
		return nil, err
	}
	if f.Version != fileVersion {
		return nil, fmt.Errorf("alias file %s: version %d, want %d", path, f.Version, fileVersion)
	}
	aliases := make(map[string]alias, len(f.Aliases))
	for name, e := range f.Aliases {
		aliases[name] = alias{keyID: e.KeyID, created: e.Created, updated: e.Updated}
	}
	return aliases, nil
}

func writeAliases(path string, aliases map[string]alias) error {
	f := aliasesFile{Version: fileVersion, Aliases: make(map[string]aliasEntry, len(aliases))}
	for name, a := range aliases {
		f.Aliases[name] = aliasEntry{KeyID: a.keyID, Created: a.created, Updated: a.updated}
	}
	return writeJSON(path, f)
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err // names the path
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// writeJSON atomically replaces the file, with mode 0600. After a crash the
// file has either the old or the new content, and the new content once
// writeJSON has returned: it syncs the data before the rename and the folder
// after it.
func writeJSON(path string, v any) (err error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if _, err := tmp.Write(append(data, '\n')); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
