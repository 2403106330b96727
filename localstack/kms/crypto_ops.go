package kms

import (
	"crypto/rand"
	"fmt"
)

// Limits of the cryptographic operations (KMS API reference).
const (
	maxPlaintext  = 4096 // bytes, Encrypt
	maxCiphertext = 6144 // bytes, Decrypt
	maxRandom     = 1024 // bytes, GenerateRandom and GenerateDataKey
	symmetric     = "SYMMETRIC_DEFAULT"
)

// recipient is an attestation document of a Nitro enclave, of which there is
// none here: the answer must then be encrypted to the enclave's key, so a
// request that carries one is refused, never answered in the clear.
type recipient struct{}

func (r *recipient) check() error {
	if r != nil {
		return errUnsupported("Recipient needs an AWS Nitro enclave")
	}
	return nil
}

func checkAlgorithm(name string) error {
	if name != "" && name != symmetric {
		return errUnsupported("EncryptionAlgorithm %s: only %s is supported", name, symmetric)
	}
	return nil
}

type encryptInput struct {
	KeyId               string
	Plaintext           []byte
	EncryptionContext   map[string]string
	EncryptionAlgorithm string
	DryRun              bool
}

func (in encryptInput) names() (string, []byte) { return in.KeyId, nil }

type encryptOutput struct {
	CiphertextBlob      []byte
	KeyId               string
	EncryptionAlgorithm string
}

func (s *Service) encrypt(in encryptInput) (any, error) {
	switch {
	case len(in.Plaintext) == 0:
		return nil, errConstraint("plaintext", "must have length greater than or equal to 1")
	case len(in.Plaintext) > maxPlaintext:
		return nil, errConstraint("plaintext", "must have length less than or equal to 4096")
	}
	if err := checkAlgorithm(in.EncryptionAlgorithm); err != nil {
		return nil, err
	}
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return nil, e
	}
	if in.DryRun {
		return nil, errDryRun
	}
	blob, err := seal(k, in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return encryptOutput{CiphertextBlob: blob, KeyId: k.arn, EncryptionAlgorithm: symmetric}, nil
}

type decryptInput struct {
	CiphertextBlob      []byte
	KeyId               string
	EncryptionContext   map[string]string
	EncryptionAlgorithm string
	Recipient           *recipient
	DryRun              bool
}

func (in decryptInput) names() (string, []byte) { return in.KeyId, in.CiphertextBlob }

type decryptOutput struct {
	Plaintext           []byte
	KeyId               string
	EncryptionAlgorithm string
}

func (s *Service) decrypt(in decryptInput) (any, error) {
	switch {
	case len(in.CiphertextBlob) == 0:
		return nil, errConstraint("ciphertextBlob", "must have length greater than or equal to 1")
	case len(in.CiphertextBlob) > maxCiphertext:
		return nil, errConstraint("ciphertextBlob", "must have length less than or equal to 6144")
	}
	if err := checkAlgorithm(in.EncryptionAlgorithm); err != nil {
		return nil, err
	}
	if err := in.Recipient.check(); err != nil {
		return nil, err
	}
	id, err := blobKeyID(in.CiphertextBlob)
	if err != nil {
		return nil, errInvalidCiphertext
	}
	if in.KeyId != "" {
		wanted, e := s.resolve(in.KeyId)
		if e != nil {
			return nil, e
		}
		if wanted.id != id {
			return nil, errIncorrectKey
		}
	}
	s.mu.RLock()
	k := s.keys[id]
	s.mu.RUnlock()
	if k == nil {
		return nil, errInvalidCiphertext
	}
	plaintext, err := open(k, in.CiphertextBlob, in.EncryptionContext)
	if err != nil {
		return nil, errInvalidCiphertext
	}
	if in.DryRun {
		return nil, errDryRun
	}
	return decryptOutput{Plaintext: plaintext, KeyId: k.arn, EncryptionAlgorithm: symmetric}, nil
}

type dataKeyInput struct {
	KeyId             string
	KeySpec           string
	NumberOfBytes     *int
	EncryptionContext map[string]string
	Recipient         *recipient
	DryRun            bool
}

func (in dataKeyInput) names() (string, []byte) { return in.KeyId, nil }

type dataKeyOutput struct {
	CiphertextBlob []byte
	Plaintext      []byte `json:",omitempty"`
	KeyId          string
}

func (s *Service) generateDataKey(in dataKeyInput) (any, error) {
	out, err := s.dataKey(in)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) generateDataKeyWithoutPlaintext(in dataKeyInput) (any, error) {
	out, err := s.dataKey(in)
	if err != nil {
		return nil, err
	}
	out.Plaintext = nil
	return out, nil
}

func (s *Service) dataKey(in dataKeyInput) (dataKeyOutput, error) {
	size, err := in.size()
	if err != nil {
		return dataKeyOutput{}, err
	}
	if err := in.Recipient.check(); err != nil {
		return dataKeyOutput{}, err
	}
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return dataKeyOutput{}, e
	}
	if in.DryRun {
		return dataKeyOutput{}, errDryRun
	}
	plaintext := make([]byte, size)
	if _, err := rand.Read(plaintext); err != nil {
		return dataKeyOutput{}, fmt.Errorf("draw a data key: %w", err)
	}
	blob, err := seal(k, plaintext, in.EncryptionContext)
	if err != nil {
		return dataKeyOutput{}, fmt.Errorf("encrypt a data key: %w", err)
	}
	return dataKeyOutput{CiphertextBlob: blob, Plaintext: plaintext, KeyId: k.arn}, nil
}

func (in dataKeyInput) size() (int, error) {
	if (in.KeySpec == "") == (in.NumberOfBytes == nil) {
		return 0, errValidation("Please specify either number of bytes or key spec.")
	}
	switch in.KeySpec {
	case "":
		return checkRandomSize(*in.NumberOfBytes)
	case "AES_128":
		return 16, nil
	case "AES_256":
		return 32, nil
	}
	return 0, errConstraint("keySpec", "must satisfy enum value set: [AES_256, AES_128]")
}

func checkRandomSize(n int) (int, error) {
	switch {
	case n < 1:
		return 0, errConstraint("numberOfBytes", "must have value greater than or equal to 1")
	case n > maxRandom:
		return 0, errConstraint("numberOfBytes", "must have value less than or equal to 1024")
	}
	return n, nil
}

type randomInput struct {
	NumberOfBytes    *int
	CustomKeyStoreId string
	Recipient        *recipient
}

type randomOutput struct {
	Plaintext []byte
}

func (s *Service) generateRandom(in randomInput) (any, error) {
	if in.NumberOfBytes == nil {
		return nil, errValidation("NumberOfBytes is required.")
	}
	size, err := checkRandomSize(*in.NumberOfBytes)
	if err != nil {
		return nil, err
	}
	if in.CustomKeyStoreId != "" {
		return nil, errUnsupported("custom key stores are not supported")
	}
	if err := in.Recipient.check(); err != nil {
		return nil, err
	}
	out := randomOutput{Plaintext: make([]byte, size)}
	if _, err := rand.Read(out.Plaintext); err != nil {
		return nil, fmt.Errorf("draw random bytes: %w", err)
	}
	return out, nil
}
