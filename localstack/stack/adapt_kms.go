package stack

import (
	"github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// key returns the options of a KMS key.
func key(k sam.Key) kms.KeyOptions {
	return kms.KeyOptions{
		ID:          k.ID,
		ARN:         k.ARN,
		Spec:        k.Spec,
		Usage:       k.Usage,
		Description: k.Description,
		Aliases:     k.Aliases,
		Disabled:    !k.Enabled,
		Rotates:     k.EnableRotation,
	}
}
