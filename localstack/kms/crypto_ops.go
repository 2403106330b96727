package kms

import (
	"cmp"
	"crypto/rand"
	"fmt"
)

// Limits of the cryptographic operations (KMS API reference).
const (
	maxPlaintext  = 4096 // bytes, Encrypt
	maxCiphertext = 6144 // bytes, Decrypt
	maxRandom     = 1024 // bytes, GenerateRandom and GenerateDataKey
	// symmetric is both a key spec and an encryption algorithm.
	symmetric = "SYMMETRIC_DEFAULT"
)

// recipient is the attestation document of a Nitro enclave. KMS encrypts the
// response for the enclave then. There are no enclaves here, so a request with
// a document is refused; it must not get a plaintext response.
type recipient struct{}

func (r *recipient) check() error {
	if r != nil {
		return errUnsupported("Recipient needs an AWS Nitro enclave")
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
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return nil, e
	}
	algorithm := cmp.Or(in.EncryptionAlgorithm, symmetric)
	if err := s.checkUse(k, "Encrypt", encryptDecrypt, algorithm); err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, errDryRun
	}
	blob, err := k.encrypt(in.Plaintext, in.EncryptionContext, algorithm)
	if err != nil {
		return nil, err
	}
	return encryptOutput{CiphertextBlob: blob, KeyId: k.arn, EncryptionAlgorithm: algorithm}, nil
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
	if err := in.Recipient.check(); err != nil {
		return nil, err
	}
	k, plaintext, algorithm, err := s.unseal("Decrypt", in)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, errDryRun
	}
	return decryptOutput{Plaintext: plaintext, KeyId: k.arn, EncryptionAlgorithm: algorithm}, nil
}

// unseal decrypts a ciphertext and returns the key, the plaintext and the
// algorithm. A symmetric ciphertext names its key; for other keys the request
// must.
func (s *Service) unseal(operation string, in decryptInput) (*key, []byte, string, error) {
	switch {
	case len(in.CiphertextBlob) == 0:
		return nil, nil, "", errConstraint("ciphertextBlob", "must have length greater than or equal to 1")
	case len(in.CiphertextBlob) > maxCiphertext:
		return nil, nil, "", errConstraint("ciphertextBlob", "must have length less than or equal to 6144")
	}
	algorithm := cmp.Or(in.EncryptionAlgorithm, symmetric)
	var wanted *key
	if in.KeyId != "" {
		var e *apiError
		if wanted, e = s.resolve(in.KeyId); e != nil {
			return nil, nil, "", e
		}
		if err := s.checkUse(wanted, operation, encryptDecrypt, algorithm); err != nil {
			return nil, nil, "", err
		}
	}
	k := wanted
	if algorithm == symmetric {
		if k = s.find("", in.CiphertextBlob); k == nil || k.spec != symmetric {
			return nil, nil, "", errInvalidCiphertext
		}
		if wanted != nil && wanted.id != k.id {
			return nil, nil, "", errIncorrectKey
		}
	} else if k == nil {
		return nil, nil, "", errValidation("KeyId is required to decrypt with %s", algorithm)
	}
	if wanted == nil { // k has not been checked yet
		if e := s.checkEnabled(k); e != nil {
			return nil, nil, "", e
		}
	}
	plaintext, err := k.decrypt(in.CiphertextBlob, in.EncryptionContext, algorithm)
	if err != nil {
		return nil, nil, "", errInvalidCiphertext
	}
	return k, plaintext, algorithm, nil
}

type reEncryptInput struct {
	CiphertextBlob                 []byte
	SourceKeyId                    string
	SourceEncryptionContext        map[string]string
	SourceEncryptionAlgorithm      string
	DestinationKeyId               string
	DestinationEncryptionContext   map[string]string
	DestinationEncryptionAlgorithm string
	DryRun                         bool
}

func (in reEncryptInput) names() (string, []byte) { return in.DestinationKeyId, nil }

type reEncryptOutput struct {
	CiphertextBlob                 []byte
	SourceKeyId                    string
	KeyId                          string
	SourceEncryptionAlgorithm      string
	DestinationEncryptionAlgorithm string
}

func (s *Service) reEncrypt(in reEncryptInput) (any, error) {
	from, plaintext, algorithm, err := s.unseal("ReEncrypt", decryptInput{
		CiphertextBlob:      in.CiphertextBlob,
		KeyId:               in.SourceKeyId,
		EncryptionContext:   in.SourceEncryptionContext,
		EncryptionAlgorithm: in.SourceEncryptionAlgorithm,
	})
	if err != nil {
		return nil, err
	}
	sealed, err := s.encrypt(encryptInput{
		KeyId:               in.DestinationKeyId,
		Plaintext:           plaintext,
		DryRun:              in.DryRun,
		EncryptionContext:   in.DestinationEncryptionContext,
		EncryptionAlgorithm: in.DestinationEncryptionAlgorithm,
	})
	if err != nil {
		return nil, err
	}
	to := sealed.(encryptOutput)
	return reEncryptOutput{
		CiphertextBlob:                 to.CiphertextBlob,
		SourceKeyId:                    from.arn,
		KeyId:                          to.KeyId,
		SourceEncryptionAlgorithm:      algorithm,
		DestinationEncryptionAlgorithm: to.EncryptionAlgorithm,
	}, nil
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
	if err := s.checkUse(k, "GenerateDataKey", encryptDecrypt, symmetric); err != nil {
		return dataKeyOutput{}, err
	}
	if in.DryRun {
		return dataKeyOutput{}, errDryRun
	}
	plaintext := make([]byte, size)
	if _, err := rand.Read(plaintext); err != nil {
		return dataKeyOutput{}, fmt.Errorf("generate a data key: %w", err)
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
		return nil, fmt.Errorf("generate random bytes: %w", err)
	}
	return out, nil
}
