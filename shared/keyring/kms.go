package keyring

import (
	"context"
)

// EncryptionContext is the context that KMS authenticates with a blob and
// writes to its audit trail. Decryption needs the same one. It is not secret.
type EncryptionContext map[string]string

// KMS wraps keys under one key that never leaves it. Package awskms implements
// it.
type KMS interface {
	// Encrypt wraps at most 4,096 bytes (AWS KMS quota for symmetric keys); the
	// PKCS #8 form of RSA-3072 has 1.8 KB.
	Encrypt(ctx context.Context, plaintext []byte, ec EncryptionContext) (blob []byte, err error)
	// Decrypt unwraps a blob that was made under the same context.
	Decrypt(ctx context.Context, blob []byte, ec EncryptionContext) (plaintext []byte, err error)
	// GenerateDataKey makes 32 random bytes, in clear and wrapped.
	GenerateDataKey(ctx context.Context, ec EncryptionContext) (plaintext, blob []byte, err error)
}

// Purposes separate the uses of the KMS key: a blob made for one is refused for
// another, and a policy can grant each separately with the condition key
// kms:EncryptionContext:purpose.
const (
	purposeService = "sotto-service-key"
	purposeServer  = "sotto-server-key"
	purposeData    = "sotto-data-key"
	purposeSession = "sotto-session-key"
	purposeWrap    = "sotto-session-wrap"
)

// context binds a blob to this deployment, so that blobs of another one that
// shares the KMS key do not open here.
func (k *Keyring) context(purpose string) EncryptionContext {
	return EncryptionContext{"deployment": k.options.Audience, "purpose": purpose}
}
