//go:build !windows

package stack_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/stack"
)

// startOn makes a stack on the data folder, without starting it, and returns
// its log.
func startOn(t *testing.T, data string) (log string, err error) {
	t.Helper()
	template := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(template, []byte(tableAndKey), 0o600); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	s, err := stack.New(stack.Options{Template: template, Data: data, Log: slog.New(slog.NewTextHandler(&lines, nil))})
	if err != nil {
		return lines.String(), err
	}
	return lines.String(), s.Close()
}

// wantClosed checks that only the owner has access to anything in the folder.
func wantClosed(t *testing.T, data string) {
	t.Helper()
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		info, e := entry.Info()
		if err = errors.Join(err, e); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want no access for others", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Vulnerability: a stack used a data folder whatever its mode, so other users
// of the machine could read its KMS keys and all messages, or replace a
// function. Attack: mallory, another user, reads a data folder that was made or
// restored with loose modes. This verifies that the stack closes the folder and
// everything in it, and says that it was open.
func TestAttackOtherUserReadsDataFolder(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := runOnce(t, data); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		files++
		mode := fs.FileMode(0o666)
		if entry.IsDir() {
			mode = 0o777
		}
		return os.Chmod(path, mode)
	})
	if err != nil || files < 10 {
		t.Fatalf("opened %d files, error %v", files, err)
	}
	log, err := startOn(t, data)
	if err != nil {
		t.Fatal(err)
	}
	wantClosed(t, data)
	if !strings.Contains(log, "level=WARN") || !strings.Contains(log, "0777") {
		t.Errorf("got the log %q, want a warning with the mode 0777", log)
	}
	if log, err = startOn(t, data); err != nil || strings.Contains(log, "0777") {
		t.Errorf("again: got the log %q and error %v, want no warning", log, err)
	}
}

// Nobody has stored anything in an empty folder, so there is nothing to report.
func TestEmptyDataFolderIsClosed(t *testing.T) {
	data := t.TempDir()
	if err := os.Chmod(data, 0o755); err != nil {
		t.Fatal(err)
	}
	log, err := startOn(t, data)
	if err != nil || log != "" {
		t.Errorf("got the log %q and error %v, want neither", log, err)
	}
	wantClosed(t, data)
}

// A backup may have been restored in part, without the lock.
func TestRestoredPartIsClosed(t *testing.T) {
	data := t.TempDir()
	for _, err := range []error{os.Mkdir(filepath.Join(data, "functions"), 0o755), os.Chmod(data, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if log, err := startOn(t, data); err != nil || !strings.Contains(log, "0755") {
		t.Errorf("got the log %q and error %v, want a warning with the mode 0755", log, err)
	}
	wantClosed(t, data)
}

// The stack changes no modes in a folder that is not a stack's, such as a home
// folder.
func TestFolderOfSomethingElseIsNoDataFolder(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "thesis.txt")
	for _, err := range []error{os.WriteFile(file, nil, 0o644), os.Chmod(file, 0o644), os.Chmod(data, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := startOn(t, data)
	if err == nil || !strings.Contains(err.Error(), "chmod 700 "+data) || !strings.Contains(err.Error(), "-data") {
		t.Errorf("got error %v, want one that says what to do", err)
	}
	for path, want := range map[string]fs.FileMode{data: 0o755, file: 0o644} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v and error %v, want mode %v", path, info, err, want)
		}
	}
	if files, err := os.ReadDir(data); err != nil || len(files) != 1 {
		t.Errorf("got %v and error %v, want only thesis.txt", files, err)
	}
}
