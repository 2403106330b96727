package kms

import (
	"slices"
	"strings"
)

// KeyInfo is what others may know of a key: all but its material.
type KeyInfo struct {
	ID, ARN string
	// Aliases start with "alias/" and are sorted.
	Aliases []string
	// Spec, Usage and Origin are such as SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT and
	// AWS_KMS.
	Spec, Usage, Origin string
	MultiRegion         bool
}

// Lookup finds a key by any form of KeyId or, if keyID is empty, the key that a
// ciphertext is of. Whether the ciphertext opens is not looked at.
func (s *Service) Lookup(keyID string, ciphertext []byte) (KeyInfo, bool) {
	k := s.find(keyID, ciphertext)
	if k == nil {
		return KeyInfo{}, false
	}
	info := KeyInfo{
		ID:          k.id,
		ARN:         k.arn,
		Spec:        k.spec,
		Usage:       k.usage,
		Origin:      "AWS_KMS",
		MultiRegion: strings.HasPrefix(k.id, "mrk-"),
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, a := range s.aliases {
		if a.keyID == k.id {
			info.Aliases = append(info.Aliases, name)
		}
	}
	slices.Sort(info.Aliases)
	return info, true
}

// find is Lookup for this package; nil if there is no such key.
func (s *Service) find(keyID string, ciphertext []byte) *key {
	if keyID != "" {
		k, _ := s.resolve(keyID)
		return k
	}
	id, err := blobKeyID(ciphertext)
	if err != nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys[id]
}
