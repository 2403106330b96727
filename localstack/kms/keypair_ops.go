package kms

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
)

type dataKeyPairInput struct {
	KeyId             string
	KeyPairSpec       string
	EncryptionContext map[string]string
	Recipient         *recipient
	DryRun            bool
}

func (in dataKeyPairInput) names() (string, []byte) { return in.KeyId, nil }

type dataKeyPairOutput struct {
	KeyId                    string
	KeyPairSpec              string
	PublicKey                []byte // DER, SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)
	PrivateKeyCiphertextBlob []byte
	PrivateKeyPlaintext      []byte `json:",omitempty"` // DER, PKCS #8 (RFC 5958)
}

// keyPairSpecs are the values of KeyPairSpec.
var keyPairSpecs = []string{"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384",
	"ECC_NIST_P521", "ECC_SECG_P256K1", "SM2", "ECC_NIST_EDWARDS25519"}

func (s *Service) generateDataKeyPair(in dataKeyPairInput) (any, error) {
	out, err := s.dataKeyPair("GenerateDataKeyPair", in)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) generateDataKeyPairWithoutPlaintext(in dataKeyPairInput) (any, error) {
	out, err := s.dataKeyPair("GenerateDataKeyPairWithoutPlaintext", in)
	if err != nil {
		return nil, err
	}
	out.PrivateKeyPlaintext = nil
	return out, nil
}

func (s *Service) dataKeyPair(operation string, in dataKeyPairInput) (out dataKeyPairOutput, err error) {
	switch pair := specs[in.KeyPairSpec]; {
	case in.KeyPairSpec == "":
		return out, errNull("keyPairSpec")
	case !slices.Contains(keyPairSpecs, in.KeyPairSpec):
		return out, errConstraint("keyPairSpec", fmt.Sprintf("must satisfy enum value set: %v", keyPairSpecs))
	case pair.generate == nil:
		return out, errUnsupported("KeyPairSpec %s is not implemented locally", in.KeyPairSpec)
	}
	if err := in.Recipient.check(); err != nil {
		return out, err
	}
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return out, e
	}
	if err := s.checkUse(k, operation, encryptDecrypt, symmetric); err != nil {
		return out, err
	}
	if in.DryRun {
		return out, errDryRun
	}
	der, err := specs[in.KeyPairSpec].generate()
	if err != nil {
		return out, fmt.Errorf("generate a key pair: %w", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return out, fmt.Errorf("read the new private key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.(crypto.Signer).Public())
	if err != nil {
		return out, fmt.Errorf("encode the public key: %w", err)
	}
	blob, err := seal(k, der, in.EncryptionContext)
	if err != nil {
		return out, fmt.Errorf("encrypt a private key: %w", err)
	}
	return dataKeyPairOutput{
		KeyId:                    k.arn,
		KeyPairSpec:              in.KeyPairSpec,
		PublicKey:                public,
		PrivateKeyCiphertextBlob: blob,
		PrivateKeyPlaintext:      der,
	}, nil
}
