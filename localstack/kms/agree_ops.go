package kms

import (
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
)

// ecdh is the one key agreement algorithm.
const ecdh = "ECDH"

// maxPublicKey is the size in bytes of a public key in a request (KMS API
// reference, DeriveSharedSecret).
const maxPublicKey = 8192

type deriveInput struct {
	KeyId                 string
	KeyAgreementAlgorithm string
	PublicKey             []byte // DER, SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)
	Recipient             *recipient
	DryRun                bool
}

func (in deriveInput) names() (string, []byte) { return in.KeyId, nil }

type deriveOutput struct {
	KeyId                 string
	SharedSecret          []byte // the x coordinate of the shared point (SP 800-56A §5.7.1.2)
	KeyAgreementAlgorithm string
	KeyOrigin             string
}

func (s *Service) deriveSharedSecret(in deriveInput) (any, error) {
	switch {
	case in.KeyAgreementAlgorithm == "":
		return nil, errNull("keyAgreementAlgorithm")
	case in.KeyAgreementAlgorithm != ecdh:
		return nil, errConstraint("keyAgreementAlgorithm", "must satisfy enum value set: [ECDH]")
	case len(in.PublicKey) == 0:
		return nil, errConstraint("publicKey", "must have length greater than or equal to 1")
	case len(in.PublicKey) > maxPublicKey:
		return nil, errConstraint("publicKey", fmt.Sprintf("must have length less than or equal to %d", maxPublicKey))
	}
	if err := in.Recipient.check(); err != nil {
		return nil, err
	}
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return nil, e
	}
	if err := s.checkUse(k, "DeriveSharedSecret", keyAgreement, in.KeyAgreementAlgorithm); err != nil {
		return nil, err
	}
	private, err := k.private.(*ecdsa.PrivateKey).ECDH()
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	errPublic := errValidation("PublicKey is not a valid public key on the curve of key spec %s.", k.spec)
	parsed, err := x509.ParsePKIXPublicKey(in.PublicKey)
	if err != nil {
		return nil, errPublic
	}
	peer, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, errPublic
	}
	public, err := peer.ECDH()
	if err != nil {
		return nil, errPublic
	}
	secret, err := private.ECDH(public) // fails for another curve
	if err != nil {
		return nil, errPublic
	}
	if in.DryRun {
		return nil, errDryRun
	}
	return deriveOutput{k.arn, secret, ecdh, "AWS_KMS"}, nil
}
