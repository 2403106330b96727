package kms

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// grant lets a principal use a key, beside the key policy.
type grant struct {
	ID                string           `json:"id"` // 64 hexadecimal digits
	Name              string           `json:"name,omitempty"`
	GranteePrincipal  string           `json:"grantee"`
	RetiringPrincipal string           `json:"retiring,omitempty"`
	Operations        []string         `json:"operations"`
	Constraints       grantConstraints `json:"constraints,omitzero"`
	Created           time.Time        `json:"created"`
}

// grantConstraints restrict a grant to requests with an encryption context.
type grantConstraints struct {
	EncryptionContextSubset map[string]string `json:",omitempty"`
	EncryptionContextEquals map[string]string `json:",omitempty"`
}

// same reports whether two grants are equal apart from id and time.
func (g grant) same(other grant) bool {
	return g.Name == other.Name && g.GranteePrincipal == other.GranteePrincipal &&
		g.RetiringPrincipal == other.RetiringPrincipal && slices.Equal(g.Operations, other.Operations) &&
		maps.Equal(g.Constraints.EncryptionContextSubset, other.Constraints.EncryptionContextSubset) &&
		maps.Equal(g.Constraints.EncryptionContextEquals, other.Constraints.EncryptionContextEquals)
}

// grantOperations are the operations of grants by the usage of the key (KMS
// developer guide, "Grant operations"). Every usage has those of the empty one.
var grantOperations = map[string][]string{
	"":             {"CreateGrant", "DescribeKey", "RetireGrant"},
	encryptDecrypt: {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"},
	signVerify:     {"GetPublicKey", "Sign", "Verify"},
	macUsage:       {"GenerateMac", "VerifyMac"},
	keyAgreement:   {"DeriveSharedSecret", "GetPublicKey"},
	symmetric: {"GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
		"GenerateDataKeyWithoutPlaintext"},
}

// allGrantOperations are the operations that a grant can name, sorted.
var allGrantOperations = func() []string {
	var all []string
	for _, list := range grantOperations {
		all = append(all, list...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}()

// grantable reports whether a grant on the key can have the operation.
func (k *key) grantable(operation string) bool {
	return slices.Contains(grantOperations[""], operation) ||
		slices.Contains(grantOperations[k.usage], operation) ||
		k.spec == symmetric && slices.Contains(grantOperations[symmetric], operation) ||
		k.private != nil && operation == "GetPublicKey"
}

var (
	grantNamePattern = regexp.MustCompile(`^[a-zA-Z0-9:/_-]{1,256}$`)
	principalPattern = regexp.MustCompile(`^arn:[a-z-]+:(iam|sts)::\d{12}:[\w+=,.@:/-]+$`)
)

// newGrantID returns a random grant id.
func newGrantID() (string, error) {
	id := make([]byte, 32)
	if _, err := rand.Read(id); err != nil {
		return "", fmt.Errorf("generate a grant id: %w", err)
	}
	return hex.EncodeToString(id), nil
}

// grantToken returns a token that names a grant. Tokens do not expire here.
func grantToken(keyID, grantID string) string {
	return base64.StdEncoding.EncodeToString([]byte("grant " + keyID + " " + grantID))
}

// parseGrantToken is the inverse of grantToken.
func parseGrantToken(token string) (keyID, grantID string, err error) {
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", "", errInvalidGrantToken
	}
	part := strings.Split(string(text), " ")
	if len(part) != 3 || part[0] != "grant" {
		return "", "", errInvalidGrantToken
	}
	return part[1], part[2], nil
}

// checkPrincipal returns an error unless name is the ARN of an account, user,
// role or session.
func checkPrincipal(name string) error {
	if !principalPattern.MatchString(name) {
		return errInvalidARN(name)
	}
	return nil
}
