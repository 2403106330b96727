package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/sotto-chat/sotto/shared/strict"
)

// version is the version of all files of a profile.
const version = 1

// backend stores files. Names are relative and separated by slashes. write
// replaces a file atomically and durably; only its owner can read it.
type backend interface {
	read(name string) ([]byte, error) // fs.ErrNotExist if there is none
	write(name string, data []byte) error
	// remove deletes a folder's files and the folders below it, except for the
	// file keep.
	remove(dir, keep string) error
	lock(name string) (unlock func(), err error)
	path(name string) string
}

// load reads a file into T. The second result reports whether it exists.
func load[T any](b backend, name string) (T, bool, error) {
	var none T
	data, err := b.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return none, false, nil
	}
	if err != nil {
		return none, false, err
	}
	// Check the version first: another version may have any other form.
	var head struct {
		Version int `json:"version"`
	}
	if err := strict.Unmarshal(data, &head); err != nil {
		return none, false, corrupt(b, name, err)
	}
	if head.Version != version {
		return none, false, fmt.Errorf("%s is %w (%d); use the program that wrote it", b.path(name),
			ErrVersion, head.Version)
	}
	var record T
	if err := strict.Unmarshal(data, &record); err != nil {
		return none, false, corrupt(b, name, err)
	}
	return record, true, nil
}

func save[T any](b backend, name string, record T) error {
	data, err := strict.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode %s: %w", b.path(name), err)
	}
	return b.write(name, append(data, '\n'))
}

func corrupt(b backend, name string, cause error) error {
	remedy := "restore it from a backup, or remove it to start again"
	if path.Base(name) == deviceFile { // the name cannot be proved without the keys
		remedy += ", which loses the name unless another of your devices links this one (sotto devices link)"
	}
	return fmt.Errorf("%s is %w (%w); %s", b.path(name), ErrCorrupt, cause, remedy)
}
