package kms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
)

// The usages of keys.
const (
	encryptDecrypt = "ENCRYPT_DECRYPT"
	signVerify     = "SIGN_VERIFY"
	macUsage       = "GENERATE_VERIFY_MAC"
)

// spec is what keys of one KeySpec can do (KMS developer guide, "Key spec
// reference"). The first usage is the default one; there is none for RSA and
// elliptic curves, whose keys must say what they are for.
type spec struct {
	usages []string
	// The algorithms by usage.
	encryption, signing, mac []string
	generate                 func() ([]byte, error) // what a key's file keeps
	needsUsage               bool
}

var (
	rsaEncryption = []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}
	rsaSigning    = []string{"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
		"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"}
)

// specs are the key specs that exist here. ECC_SECG_P256K1,
// ECC_NIST_EDWARDS25519, SM2, ML_DSA and key agreement do not.
var specs = map[string]spec{
	symmetric: {
		usages:     []string{encryptDecrypt},
		encryption: []string{symmetric},
		generate:   random(materialSize),
	},
	"RSA_2048":      rsaSpec(2048),
	"RSA_3072":      rsaSpec(3072),
	"RSA_4096":      rsaSpec(4096),
	"ECC_NIST_P256": eccSpec(elliptic.P256(), "ECDSA_SHA_256"),
	"ECC_NIST_P384": eccSpec(elliptic.P384(), "ECDSA_SHA_384"),
	"ECC_NIST_P521": eccSpec(elliptic.P521(), "ECDSA_SHA_512"),
	"HMAC_224":      hmacSpec(28, "HMAC_SHA_224"),
	"HMAC_256":      hmacSpec(32, "HMAC_SHA_256"),
	"HMAC_384":      hmacSpec(48, "HMAC_SHA_384"),
	"HMAC_512":      hmacSpec(64, "HMAC_SHA_512"),
}

func rsaSpec(bits int) spec {
	return spec{
		usages:     []string{encryptDecrypt, signVerify},
		encryption: rsaEncryption,
		signing:    rsaSigning,
		needsUsage: true,
		generate: func() ([]byte, error) {
			k, err := rsa.GenerateKey(rand.Reader, bits)
			if err != nil {
				return nil, err
			}
			return x509.MarshalPKCS8PrivateKey(k)
		},
	}
}

func eccSpec(curve elliptic.Curve, algorithm string) spec {
	return spec{
		usages:     []string{signVerify},
		signing:    []string{algorithm},
		needsUsage: true,
		generate: func() ([]byte, error) {
			k, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				return nil, err
			}
			return x509.MarshalPKCS8PrivateKey(k)
		},
	}
}

// hmacSpec makes keys as long as the hash (KMS developer guide, "HMAC keys in
// AWS KMS").
func hmacSpec(size int, algorithm string) spec {
	return spec{usages: []string{macUsage}, mac: []string{algorithm}, generate: random(size), needsUsage: true}
}

func random(size int) func() ([]byte, error) {
	return func() ([]byte, error) {
		b := make([]byte, size)
		_, err := rand.Read(b)
		return b, err
	}
}

// algorithms lists what a key may be used with, by its usage.
func (k *key) algorithms() []string {
	s := specs[k.spec]
	switch k.usage {
	case signVerify:
		return s.signing
	case macUsage:
		return s.mac
	}
	return s.encryption
}

// checkUse refuses a key that is not enabled or has another usage, and an
// algorithm that is not the key's.
func (s *Service) checkUse(k *key, operation, usage, algorithm string) error {
	if e := s.checkEnabled(k); e != nil {
		return e
	}
	if k.usage != usage {
		return errKeyUsage("%s key usage is %s which is not valid for %s.", k.arn, k.usage, operation)
	}
	if !slices.Contains(k.algorithms(), algorithm) {
		return errKeyUsage("Algorithm %s is incompatible with key spec %s.", algorithm, k.spec)
	}
	return nil
}

// CheckSpec says what is wrong with a key of that spec and usage, if anything:
// what [Service.Ensure] would refuse. Usage may be empty as there.
func CheckSpec(spec, usage string) error {
	_, _, err := checkSpec(spec, usage)
	return err
}

// checkSpec refuses key specs and usages that do not exist or do not go
// together, and returns them with their defaults.
func checkSpec(name, usage string) (string, string, error) {
	if name == "" {
		name = symmetric
	}
	s, ok := specs[name]
	switch {
	case !ok:
		return "", "", errUnsupported("KeySpec %s is not supported", name)
	case usage == "" && s.needsUsage:
		return "", "", errValidation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	case usage == "":
		usage = s.usages[0]
	case !slices.Contains(s.usages, usage):
		return "", "", errValidation("KeyUsage %s is not compatible with KeySpec %s", usage, name)
	}
	return name, usage, nil
}

// parse checks the material of a key that was read back, and makes a private
// key of it if it is one.
func (k *key) parse() error {
	switch s := specs[k.spec]; {
	case s.generate == nil:
		return fmt.Errorf("key spec %q is not known", k.spec)
	case !slices.Contains(s.usages, k.usage):
		return fmt.Errorf("a key of spec %s cannot be for %s", k.spec, k.usage)
	case k.spec == symmetric && len(k.material) != materialSize:
		return fmt.Errorf("%d bytes of key material, want %d", len(k.material), materialSize)
	case k.spec == symmetric || k.usage == macUsage:
		return nil
	}
	private, err := x509.ParsePKCS8PrivateKey(k.material)
	if err != nil {
		return fmt.Errorf("key material: %w", err)
	}
	k.private = private.(crypto.Signer) // RSA and ECDSA keys all are
	return nil
}
