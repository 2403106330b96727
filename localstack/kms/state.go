package kms

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// stateFile holds the state of all keys. It is separate from the key files so
// that a file with key material is written only once.
const stateFile = "states.json"

// state is the part of a key that can change. The zero value is the state of a
// new key.
type state struct {
	Disabled bool `json:"disabled,omitempty"`
	// Rotates reports that yearly rotation is enabled. It is stored and
	// returned, but has no effect: the key material never changes here.
	Rotates bool `json:"rotates,omitempty"`
	// Deletion is the scheduled date of deletion, zero if there is none. A key
	// with a date cannot be used, but its material is never deleted.
	Deletion time.Time `json:"deletion,omitzero"`
}

type statesFile struct {
	Version int              `json:"version"`
	States  map[string]state `json:"states"`
}

// name is the state's name in the API (KMS developer guide, "Key states").
func (s state) name() string {
	switch {
	case !s.Deletion.IsZero():
		return "PendingDeletion"
	case s.Disabled:
		return "Disabled"
	}
	return "Enabled"
}

// checkEnabled returns an error if the key is not enabled.
func (s *Service) checkEnabled(k *key) *apiError {
	switch s.stateOf(k).name() {
	case "Disabled":
		return errDisabled(k.arn)
	case "PendingDeletion":
		return errState("%s is pending deletion.", k.arn)
	}
	return nil
}

func (s *Service) stateOf(k *key) state {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.states[k.id]
}

// change alters the state of a key. The new state takes effect after it has
// been written to disk.
func (s *Service) change(k *key, alter func(*state) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.states[k.id]
	if err := alter(&next); err != nil {
		return err
	}
	return s.setState(k.id, next)
}

// setState writes the state of a key, which need not exist yet. The caller
// holds mu.
func (s *Service) setState(id string, next state) error {
	old := s.states[id]
	if next == old {
		return nil
	}
	s.states[id] = next
	if err := writeJSON(filepath.Join(s.dir, stateFile), statesFile{
		Version: fileVersion,
		States:  s.states,
	}); err != nil {
		s.states[id] = old
		return fmt.Errorf("write the state of a key: %w", err)
	}
	return nil
}

func readStates(path string) (map[string]state, error) {
	f := statesFile{Version: fileVersion}
	if err := readJSON(path, &f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if f.Version != fileVersion {
		return nil, fmt.Errorf("state file %s: version %d, want %d", path, f.Version, fileVersion)
	}
	if f.States == nil {
		f.States = make(map[string]state)
	}
	return f.States, nil
}
