package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/sotto-chat/sotto/localstack/sam"
)

// ErrDiskFull is in errors of a stack that could not write to its data folder.
var ErrDiskFull = errors.New("the disk is full")

// diskFull reports whether err says that a disk or a quota is used up.
func diskFull(err error) bool {
	const (
		windowsHandleDiskFull = syscall.Errno(39)
		windowsDiskFull       = syscall.Errno(112)
	)
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		os.PathSeparator == '\\' && (errors.Is(err, windowsDiskFull) || errors.Is(err, windowsHandleDiskFull))
}

// explain says what to do after an error of the data folder's file system, and
// returns other errors unchanged.
func (o Options) explain(err error) error {
	if err == nil || !diskFull(err) || errors.Is(err, ErrDiskFull) {
		return err
	}
	return &storageError{
		text: fmt.Sprintf("%v: cannot write to %s; everything that was confirmed is stored; "+
			"free some space and start again", ErrDiskFull, o.Data),
		cause: err,
	}
}

// storageError has a text for people instead of that of its cause.
type storageError struct {
	text  string
	cause error
}

func (e *storageError) Error() string { return e.text }

func (e *storageError) Unwrap() []error { return []error{ErrDiskFull, e.cause} }

// fatal handles the error of a store that has stopped for good.
func (s *services) fatal(err error) {
	err = s.opts.explain(err)
	if s.opts.Fatal == nil {
		panic(err)
	}
	s.opts.Fatal(err)
}

// damaged says what to do about stored data that cannot be read. Permissions
// and a full disk are other matters.
func (o Options) damaged(err error) error {
	if err == nil || diskFull(err) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w\n%s", err, o.wayOut(o.Data))
}

// remove returns the command that removes parts of the data folder.
func (o Options) remove(names ...string) string {
	command := "rm -r"
	if os.PathSeparator == '\\' {
		command = "rmdir /s"
	}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(o.Data, name)); err == nil {
			command += " " + filepath.Join(o.Data, name)
		}
	}
	return command
}

// keysFile lists the KMS keys of the template that were made. It stands outside
// of the folder of the keys, to show that they were lost.
const keysFile = "keys.json"

// keysFolderLost reports whether a stack that had a folder for its keys, as
// every stack has, lost it while the tables remain. It must be asked before the
// folder is made again.
func (o Options) keysFolderLost() bool {
	_, err := os.Lstat(filepath.Join(o.Data, "kms"))
	return errors.Is(err, fs.ErrNotExist) && o.hasTables()
}

func (o Options) hasTables() bool {
	files, err := os.ReadDir(filepath.Join(o.Data, "dynamodb"))
	return err == nil && len(files) > 0
}

// checkKeys returns an error if a key was lost while the tables remain. What
// was encrypted with it cannot be read again, so each use of it would fail; a
// new key in its place would not help.
func (o Options) checkKeys(folderLost bool, declared []sam.Key, exists func(id string) bool) error {
	var lost []string
	if folderLost && len(declared) > 0 {
		lost = append(lost, declared[0].ID)
	}
	for _, id := range o.knownKeys() {
		if !exists(id) && o.hasTables() {
			lost = append(lost, id)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	keys := filepath.Join(o.Data, "kms")
	return fmt.Errorf("the KMS key %s is missing from %s, but the tables in %s remain: "+
		"what was encrypted with it cannot be read\n%s",
		lost[0], keys, filepath.Join(o.Data, "dynamodb"), o.wayOut(keys))
}

// wayOut says what can be done about a part of the data folder that is lost.
func (o Options) wayOut(part string) string {
	return "To go on, restore " + part + " from a copy. Without one, this removes all data of the stack and lets it " +
		"begin again: " + o.remove("dynamodb", "event-sources", "kms", keysFile)
}

// knownKeys returns the ids in keysFile. A file that cannot be read only means
// that the loss of a key goes unnoticed.
func (o Options) knownKeys() (ids []string) {
	text, err := os.ReadFile(filepath.Join(o.Data, keysFile))
	if err == nil {
		err = json.Unmarshal(text, &ids)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.Log.Warn("failed to read the list of keys", "err", err)
		return nil
	}
	return ids
}

// noteKeys adds the keys of the plan, which exist, to keysFile.
func (o Options) noteKeys(keys []sam.Key) error {
	known := o.knownKeys()
	next := slices.Clone(known)
	for _, k := range keys {
		next = append(next, k.ID)
	}
	slices.Sort(next)
	if next = slices.Compact(next); slices.Equal(next, known) {
		return nil
	}
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("list the keys: %w", err)
	}
	file := filepath.Join(o.Data, keysFile)
	if err := os.WriteFile(file+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("list the keys: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("list the keys: %w", err)
	}
	return nil
}
