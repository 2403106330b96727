package kms

import (
	"path/filepath"
	"strings"
)

// updateAlias points an existing alias at another key.
func (s *Service) updateAlias(in createAliasInput) (any, error) {
	k, err := s.aliasTarget(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.aliases[in.AliasName]
	if !ok {
		return nil, errNotFound("Alias %s is not found.", s.aliasARN(in.AliasName))
	}
	if from := s.keys[old.keyID]; from != nil && (from.spec != k.spec || from.usage != k.usage) {
		return nil, errValidation("Alias %s cannot move from a %s key for %s to a %s key for %s",
			s.aliasARN(in.AliasName), from.spec, from.usage, k.spec, k.usage)
	}
	return nil, s.point(in.AliasName, k.id)
}

// aliasTarget checks a request that points an alias at a key, and returns the
// key.
func (s *Service) aliasTarget(in createAliasInput) (*key, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	if strings.Contains(in.TargetKeyId, "alias/") {
		return nil, errValidation("Aliases must refer to keys. Not aliases")
	}
	k, e := s.resolve(in.TargetKeyId)
	if e != nil {
		return nil, e
	}
	if e := s.stateOf(k).checkNotDeleted(k); e != nil {
		return nil, e
	}
	return k, nil
}

type deleteAliasInput struct {
	AliasName string
}

func (in deleteAliasInput) names() (string, []byte) { return in.AliasName, nil }

func (s *Service) deleteAlias(in deleteAliasInput) (any, error) {
	if err := checkAliasName(in.AliasName); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.aliases[in.AliasName]
	if !ok {
		return nil, errNotFound("Alias %s is not found.", s.aliasARN(in.AliasName))
	}
	delete(s.aliases, in.AliasName)
	if err := writeAliases(filepath.Join(s.dir, aliasFile), s.aliases); err != nil {
		s.aliases[in.AliasName] = old
		return nil, err
	}
	return nil, nil
}
