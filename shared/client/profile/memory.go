package profile

import (
	"bytes"
	"io/fs"
	"maps"
	"strings"
	"sync"
)

// memory is the backend in memory.
type memory struct {
	mu    sync.Mutex
	files map[string][]byte
	locks map[string]*sync.Mutex
}

func newMemory() *memory {
	return &memory{files: map[string][]byte{}, locks: map[string]*sync.Mutex{}}
}

func (m *memory) path(name string) string { return "memory:" + name }

func (m *memory) read(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(data), nil
}

func (m *memory) write(name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[name] = bytes.Clone(data)
	return nil
}

func (m *memory) remove(dir, keep string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.files, func(name string, _ []byte) bool {
		return name != keep && strings.HasPrefix(name, dir+"/")
	})
	return nil
}

func (m *memory) lock(name string) (func(), error) {
	m.mu.Lock()
	l, ok := m.locks[name]
	if !ok {
		l = new(sync.Mutex)
		m.locks[name] = l
	}
	m.mu.Unlock()
	l.Lock()
	return l.Unlock, nil
}
