package kms

import (
	"slices"
	"strings"
)

// KeyInfo describes a key without its material.
type KeyInfo struct {
	ID, ARN string
	// Aliases start with "alias/" and are sorted.
	Aliases []string
	// Spec, Usage and Origin are values of the KMS API, for example
	// SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT and AWS_KMS.
	Spec, Usage, Origin string
	MultiRegion         bool
	Tags                map[string]string // must not be changed
	// Policy is the key policy as JSON text if it was set by the API, and not
	// by [Service.Ensure].
	Policy string
	Grants []Grant
}

// Grant is a grant on a key.
type Grant struct {
	ID, Grantee, Retiring string // the principals are ARNs
	Operations            []string
	// Subset and Equals constrain the encryption context, nil if they do not.
	Subset, Equals map[string]string
}

// Has reports whether there is a key with this id.
func (s *Service) Has(id string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys[id] != nil
}

// Lookup returns the key that keyID names in any of its forms or, if keyID is
// empty, the key that the header of the ciphertext names. It does not decrypt
// the ciphertext.
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
	st := s.states[k.id]
	info.Tags = st.Tags
	if st.Declared == nil || st.Declared.Policy != st.Policy {
		info.Policy = st.Policy
	}
	for _, g := range st.Grants {
		info.Grants = append(info.Grants, Grant{
			ID:         g.ID,
			Grantee:    g.GranteePrincipal,
			Retiring:   g.RetiringPrincipal,
			Operations: g.Operations,
			Subset:     g.Constraints.EncryptionContextSubset,
			Equals:     g.Constraints.EncryptionContextEquals,
		})
	}
	for name, a := range s.aliases {
		if a.keyID == k.id {
			info.Aliases = append(info.Aliases, name)
		}
	}
	slices.Sort(info.Aliases)
	return info, true
}

// find is [Service.Lookup] for this package. It returns nil if there is no such
// key.
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
