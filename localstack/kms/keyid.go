package kms

import (
	"regexp"
	"strings"
)

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// resolve returns the key for any of the four forms of a KeyId: key id, key
// ARN, alias name and alias ARN (KMS developer guide, "Key identifiers").
func (s *Service) resolve(keyID string) (*key, *apiError) {
	if keyID == "" {
		return nil, errNull("keyId")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	name := keyID
	if strings.HasPrefix(keyID, "arn:") {
		// arn:partition:kms:region:account:resource
		part := strings.SplitN(keyID, ":", 6)
		if len(part) != 6 || part[2] != "kms" {
			return nil, errInvalidARN(keyID)
		}
		name = part[5]
		id, isKey := strings.CutPrefix(name, "key/")
		if isKey {
			if k := s.keys[id]; k != nil && k.arn == keyID {
				return k, nil
			}
			return nil, errNotFound("Key '%s' does not exist", keyID)
		}
		if !strings.HasPrefix(name, "alias/") {
			return nil, errInvalidARN(keyID)
		}
		if part[3] != s.region || part[4] != s.account {
			return nil, errNotFound("Alias %s is not found.", keyID)
		}
	}
	if strings.HasPrefix(name, "alias/") {
		if a, ok := s.aliases[name]; ok {
			if k := s.keys[a.keyID]; k != nil {
				return k, nil
			}
		}
		return nil, errNotFound("Alias %s is not found.", s.aliasARN(name))
	}
	if k := s.keys[name]; k != nil {
		return k, nil
	}
	if uuidPattern.MatchString(name) || strings.HasPrefix(name, "mrk-") {
		return nil, errNotFound("Key '%s' does not exist", s.keyARN(name))
	}
	return nil, errNotFound("Invalid keyId '%s'", name)
}

// resolveKey is resolve for the operations that change a key, which accept no
// alias (KMS API reference).
func (s *Service) resolveKey(keyID string) (*key, *apiError) {
	if strings.Contains(keyID, "alias/") {
		return nil, errNotFound("Invalid keyId '%s'", keyID)
	}
	return s.resolve(keyID)
}

var aliasPattern = regexp.MustCompile(`^[a-zA-Z0-9:/_-]+$`)

// maxAliasName includes the prefix "alias/" (KMS API reference, CreateAlias).
const maxAliasName = 256

func checkAliasName(name string) error {
	switch {
	case len(name) > maxAliasName:
		return errConstraint("aliasName", "must have length less than or equal to 256")
	case !aliasPattern.MatchString(name):
		return errConstraint("aliasName", "must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$")
	case !strings.HasPrefix(name, "alias/") || name == "alias/":
		return errValidation("Invalid identifier")
	case strings.HasPrefix(name, "alias/aws/"):
		return &apiError{400, "NotAuthorizedException", ""}
	}
	return nil
}
