package kms

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"time"
)

// stateFile holds the state of all keys. It is separate from the key files so
// that a file with key material is written only once.
const stateFile = "states.json"

// state is the part of a key that can change. The zero value is the state of a
// new key. The maps and slices of a state in the table are never changed;
// [state.clone] makes a state that can be.
type state struct {
	Disabled bool `json:"disabled,omitempty"`
	// Rotates reports that automatic rotation is enabled. Rotations are
	// recorded and returned but have no other effect: the key material never
	// changes here, which no client can observe.
	Rotates bool `json:"rotates,omitempty"`
	// RotationDays is the period of automatic rotation, 0 for the default.
	RotationDays int `json:"rotationDays,omitempty"`
	// RotatesSince is the date from which the next automatic rotation counts:
	// the last one, or when rotation was enabled. The zero date means the
	// creation of the key.
	RotatesSince time.Time  `json:"rotatesSince,omitzero"`
	Rotations    []rotation `json:"rotations,omitempty"` // from the oldest on
	// Deletion is the scheduled date of deletion, zero if there is none. A key
	// with a date cannot be used, but its material is never deleted.
	Deletion time.Time `json:"deletion,omitzero"`
	// Description replaces that of the key file, nil if it never changed.
	Description *string           `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	// Policy is the key policy as JSON text, empty for the default policy.
	Policy string  `json:"policy,omitempty"`
	Grants []grant `json:"grants,omitempty"`
	// Declared is what the last [Service.Ensure] declared, nil if none did.
	Declared *declaration `json:"declared,omitempty"`
}

// declaration is the part of a declared key that a later declaration changes.
type declaration struct {
	Tags   map[string]string `json:"tags,omitempty"`
	Policy string            `json:"policy,omitempty"`
}

type statesFile struct {
	Version int              `json:"version"`
	States  map[string]state `json:"states"`
}

// clone returns a state whose maps and slices can be changed.
func (s state) clone() state {
	s.Rotations = slices.Clone(s.Rotations)
	s.Tags = maps.Clone(s.Tags)
	s.Grants = slices.Clone(s.Grants)
	return s
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
	return s.stateOf(k).checkEnabled(k)
}

// checkEnabled returns an error if k, whose state s is, is not enabled.
func (s state) checkEnabled(k *key) *apiError {
	if s.name() == "Disabled" {
		return errDisabled(k.arn)
	}
	return s.checkNotDeleted(k)
}

// checkNotDeleted returns an error if k, whose state s is, awaits its deletion.
func (s state) checkNotDeleted(k *key) *apiError {
	if !s.Deletion.IsZero() {
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
	next := s.states[k.id].clone()
	next.rotate(k.created, time.Now().UTC())
	if err := alter(&next); err != nil {
		return err
	}
	return s.setState(k.id, next)
}

// setState writes the state of a key, which need not exist yet. The caller
// holds mu.
func (s *Service) setState(id string, next state) error {
	old := s.states[id]
	if reflect.DeepEqual(next, old) {
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
