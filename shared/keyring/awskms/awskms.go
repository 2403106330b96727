// Package awskms implements keyring.KMS with one symmetric key of the AWS Key
// Management Service. It keeps no keys.
package awskms

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/sotto-chat/sotto/shared/keyring"
)

// KMS wraps keys under one KMS key. It is safe for concurrent use.
type KMS struct {
	client *kms.Client
	keyID  string
}

var _ keyring.KMS = (*KMS)(nil)

// New returns a KMS for the key with the given id, ARN or alias.
func New(client *kms.Client, keyID string) *KMS {
	return &KMS{client: client, keyID: keyID}
}

// Encrypt implements keyring.KMS.
func (k *KMS) Encrypt(ctx context.Context, plaintext []byte, ec keyring.EncryptionContext) ([]byte, error) {
	out, err := k.client.Encrypt(ctx, &kms.EncryptInput{
		KeyId:             aws.String(k.keyID),
		Plaintext:         plaintext,
		EncryptionContext: ec,
	})
	if err != nil {
		return nil, fmt.Errorf("KMS encrypt: %w", err)
	}
	return out.CiphertextBlob, nil
}

// Decrypt implements keyring.KMS. It names the key although the blob does, too:
// an attacker with write access to the database must not choose the key.
func (k *KMS) Decrypt(ctx context.Context, blob []byte, ec keyring.EncryptionContext) ([]byte, error) {
	out, err := k.client.Decrypt(ctx, &kms.DecryptInput{
		KeyId:             aws.String(k.keyID),
		CiphertextBlob:    blob,
		EncryptionContext: ec,
	})
	if err != nil {
		return nil, fmt.Errorf("KMS decrypt: %w", err)
	}
	return out.Plaintext, nil
}

// GenerateDataKey implements keyring.KMS.
func (k *KMS) GenerateDataKey(ctx context.Context, ec keyring.EncryptionContext) (plaintext, blob []byte, err error) {
	out, err := k.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId:             aws.String(k.keyID),
		KeySpec:           types.DataKeySpecAes256,
		EncryptionContext: ec,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("KMS generate data key: %w", err)
	}
	return out.Plaintext, out.CiphertextBlob, nil
}
