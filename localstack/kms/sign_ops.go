package kms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // the hashes of the algorithms
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"fmt"
	"strings"
)

const maxMessage = 4096 // bytes, Sign, Verify and GenerateMac

type signInput struct {
	KeyId            string
	Message          []byte
	MessageType      string // RAW (the default) or DIGEST
	SigningAlgorithm string
	DryRun           bool
}

func (in signInput) names() (string, []byte) { return in.KeyId, nil }

type signOutput struct {
	KeyId            string
	Signature        []byte
	SigningAlgorithm string
}

func (s *Service) sign(in signInput) (any, error) {
	k, digest, hash, err := s.signing("Sign", in)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, errDryRun
	}
	var options crypto.SignerOpts = hash
	if strings.HasPrefix(in.SigningAlgorithm, "RSASSA_PSS") {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	signature, err := k.private.Sign(rand.Reader, digest, options)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signOutput{KeyId: k.arn, Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
}

type verifyInput struct {
	signInput
	Signature []byte
}

type verifyOutput struct {
	KeyId            string
	SignatureValid   bool
	SigningAlgorithm string
}

func (s *Service) verify(in verifyInput) (any, error) {
	k, digest, hash, err := s.signing("Verify", in.signInput)
	if err != nil {
		return nil, err
	}
	if len(in.Signature) == 0 || len(in.Signature) > maxCiphertext {
		return nil, errConstraint("signature", "must have length between 1 and 6144")
	}
	if !validSignature(k.private.Public(), in.SigningAlgorithm, hash, digest, in.Signature) {
		return nil, errInvalidSignature
	}
	if in.DryRun {
		return nil, errDryRun
	}
	return verifyOutput{KeyId: k.arn, SignatureValid: true, SigningAlgorithm: in.SigningAlgorithm}, nil
}

// validSignature reports whether signature is a signature of digest.
func validSignature(public crypto.PublicKey, algorithm string, hash crypto.Hash, digest, signature []byte) bool {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, digest, signature)
	case *rsa.PublicKey:
		if strings.HasPrefix(algorithm, "RSASSA_PSS") {
			return rsa.VerifyPSS(p, hash, digest, signature,
				&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(p, hash, digest, signature) == nil
	}
	return false
}

// signing does the common part of Sign and Verify: it checks the request and
// returns the key, the digest of the message and the hash.
func (s *Service) signing(operation string, in signInput) (*key, []byte, crypto.Hash, error) {
	switch {
	case len(in.Message) == 0:
		return nil, nil, 0, errConstraint("message", "must have length greater than or equal to 1")
	case len(in.Message) > maxMessage:
		return nil, nil, 0, errConstraint("message", "must have length less than or equal to 4096")
	case in.MessageType != "" && in.MessageType != "RAW" && in.MessageType != "DIGEST":
		return nil, nil, 0, errConstraint("messageType", "must satisfy enum value set: [RAW, DIGEST]")
	case in.SigningAlgorithm == "":
		return nil, nil, 0, errNull("signingAlgorithm")
	}
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return nil, nil, 0, e
	}
	if err := s.checkUse(k, operation, signVerify, in.SigningAlgorithm); err != nil {
		return nil, nil, 0, err
	}
	hash := hashOf(in.SigningAlgorithm)
	if in.MessageType == "DIGEST" {
		if len(in.Message) != hash.Size() {
			return nil, nil, 0, errValidation("Digest is invalid length for algorithm %s.", in.SigningAlgorithm)
		}
		return k, in.Message, hash, nil
	}
	h := hash.New()
	h.Write(in.Message)
	return k, h.Sum(nil), hash, nil
}

// hashOf returns the hash that an algorithm's name ends with, for example
// RSASSA_PSS_SHA_256.
func hashOf(algorithm string) crypto.Hash {
	_, size, _ := strings.Cut(algorithm, "SHA_")
	return map[string]crypto.Hash{
		"1": crypto.SHA1, "224": crypto.SHA224, "256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512,
	}[size]
}

type publicKeyOutput struct {
	KeyId                  string
	PublicKey              []byte // DER, SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)
	KeySpec                string
	CustomerMasterKeySpec  string
	KeyUsage               string
	EncryptionAlgorithms   []string `json:",omitempty"`
	SigningAlgorithms      []string `json:",omitempty"`
	KeyAgreementAlgorithms []string `json:",omitempty"`
}

func (s *Service) getPublicKey(in keyInput) (any, error) {
	k, e := s.resolve(in.KeyId)
	if e != nil {
		return nil, e
	}
	if k.private == nil {
		return nil, errUnsupported("%s is not an asymmetric key", k.arn)
	}
	if e := s.checkEnabled(k); e != nil {
		return nil, e
	}
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		return nil, fmt.Errorf("encode the public key: %w", err)
	}
	out := publicKeyOutput{
		KeyId:                 k.arn,
		PublicKey:             der,
		KeySpec:               k.spec,
		CustomerMasterKeySpec: k.spec,
		KeyUsage:              k.usage,
	}
	switch k.usage {
	case signVerify:
		out.SigningAlgorithms = k.algorithms()
	case keyAgreement:
		out.KeyAgreementAlgorithms = k.algorithms()
	default:
		out.EncryptionAlgorithms = k.algorithms()
	}
	return out, nil
}
