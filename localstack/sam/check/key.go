package check

import (
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// KeyUsage refuses the combinations of spec and usage that CreateKey refuses.
func KeyUsage(s *resource.Set, res *template.Resource, spec, usage string) {
	allowed := usages(spec)
	if slices.Contains(allowed, usage) {
		return
	}
	at := res.Properties.Get("KeyUsage")
	if at == nil {
		at = res.At
	}
	s.Fail(at, "a key of spec "+spec+" cannot be used for "+usage, "use KeyUsage: "+template.OneOf(allowed))
}

// usages returns the usages of a key spec (KMS Developer Guide, key spec
// reference).
func usages(spec string) []string {
	switch {
	case spec == "SYMMETRIC_DEFAULT":
		return []string{"ENCRYPT_DECRYPT"}
	case strings.HasPrefix(spec, "RSA_"):
		return []string{"ENCRYPT_DECRYPT", "SIGN_VERIFY"}
	case strings.HasPrefix(spec, "ECC_NIST_P"):
		return []string{"SIGN_VERIFY", "KEY_AGREEMENT"}
	case spec == "SM2":
		return []string{"ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"}
	case strings.HasPrefix(spec, "HMAC_"):
		return []string{"GENERATE_VERIFY_MAC"}
	}
	return []string{"SIGN_VERIFY"}
}
