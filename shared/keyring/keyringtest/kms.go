package keyringtest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"

	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/strict"
)

// KMS is a keyring.KMS in memory: AES-256-GCM under a random key, with the
// encryption context authenticated. It is safe for concurrent use.
type KMS struct{ aead cipher.AEAD }

var _ keyring.KMS = (*KMS)(nil)

// maxPlaintext is AWS KMS's bound for Encrypt under a symmetric key.
const maxPlaintext = 4096

// NewKMS returns a KMS with a new random key.
func NewKMS() *KMS {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return &KMS{aead: aead}
}

// Encrypt implements keyring.KMS.
func (k *KMS) Encrypt(ctx context.Context, plaintext []byte, ec keyring.EncryptionContext) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(plaintext) == 0 || len(plaintext) > maxPlaintext {
		return nil, errors.New("plaintext of a size that KMS refuses")
	}
	aad, err := strict.Marshal(ec)
	if err != nil {
		return nil, err
	}
	return k.aead.Seal(nil, nil, plaintext, aad), nil
}

// Decrypt implements keyring.KMS.
func (k *KMS) Decrypt(ctx context.Context, blob []byte, ec keyring.EncryptionContext) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	aad, err := strict.Marshal(ec)
	if err != nil {
		return nil, err
	}
	plaintext, err := k.aead.Open(nil, nil, blob, aad)
	if err != nil {
		return nil, errors.New("blob does not decrypt under this key and context")
	}
	return plaintext, nil
}

// GenerateDataKey implements keyring.KMS.
func (k *KMS) GenerateDataKey(ctx context.Context, ec keyring.EncryptionContext) (plaintext, blob []byte, err error) {
	plaintext = make([]byte, 32)
	_, _ = rand.Read(plaintext)
	blob, err = k.Encrypt(ctx, plaintext, ec)
	return plaintext, blob, err
}
