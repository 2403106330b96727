package eventsource

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// position is the content of a mapping's position file: all records of the
// stream up to After are settled.
type position struct {
	StreamARN string
	After     string // a sequence number, or empty before the oldest record
}

const positionSuffix = ".json"

func (s *Service) positionFile(uuid string) string {
	return filepath.Join(s.opts.Dir, uuid+positionSuffix)
}

// loadPosition reads a mapping's position. It returns nil if the mapping has no
// position in its stream.
func (s *Service) loadPosition(c Config) (*position, error) {
	text, err := os.ReadFile(s.positionFile(c.UUID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read position: %w", err)
	}
	var at position
	if err := json.Unmarshal(text, &at); err != nil {
		return nil, fmt.Errorf("read position in %s: %w", s.positionFile(c.UUID), err)
	}
	if at.StreamARN != c.StreamARN {
		return nil, nil
	}
	return &at, nil
}

// savePosition replaces a mapping's position. After a crash the file has either
// the old or the new position.
func (s *Service) savePosition(c Config, after string) error {
	text, err := json.Marshal(position{c.StreamARN, after})
	if err != nil {
		return fmt.Errorf("save position: %w", err)
	}
	file := s.positionFile(c.UUID)
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("save position: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		return fmt.Errorf("save position: %w", err)
	}
	return nil
}

// removePosition removes a mapping's position file.
func (s *Service) removePosition(uuid string) error {
	if err := os.Remove(s.positionFile(uuid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove position: %w", err)
	}
	return nil
}

// removeStale removes the position files of mappings of earlier runs that are
// not wanted. Those of this run are removed when their pollers have ended.
func (s *Service) removeStale(wanted map[string]Config) error {
	files, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("list positions: %w", err)
	}
	for _, f := range files {
		uuid, ok := strings.CutSuffix(f.Name(), positionSuffix)
		if _, stays := wanted[uuid]; !ok || stays || s.pollers[uuid] != nil {
			continue
		}
		if err := s.removePosition(uuid); err != nil {
			return err
		}
	}
	return nil
}
