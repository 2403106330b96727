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

// The values of KeyUsage.
const (
	encryptDecrypt = "ENCRYPT_DECRYPT"
	signVerify     = "SIGN_VERIFY"
	macUsage       = "GENERATE_VERIFY_MAC"
	keyAgreement   = "KEY_AGREEMENT"
)

// spec describes the keys of one KeySpec (KMS developer guide, "Key spec
// reference").
type spec struct {
	usages     []string // the first is the default, unless needsUsage
	needsUsage bool     // a request must state the usage
	// The algorithms for each usage.
	encryption, signing, mac, agreement []string
	// generate returns new key material, as the key file stores it.
	generate func() ([]byte, error)
}

var (
	rsaEncryption = []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}
	rsaSigning    = []string{"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
		"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"}
)

// specs holds the key specs by name. Not implemented locally: ECC_SECG_P256K1,
// ECC_NIST_EDWARDS25519, SM2 and ML_DSA.
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
		usages:     []string{signVerify, keyAgreement},
		signing:    []string{algorithm},
		agreement:  []string{ecdh},
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

// hmacSpec returns the spec of HMAC keys, which are as long as their hash (KMS
// developer guide, "HMAC keys in AWS KMS").
func hmacSpec(size int, algorithm string) spec {
	return spec{usages: []string{macUsage}, mac: []string{algorithm}, generate: random(size), needsUsage: true}
}

// random returns a generator of size random bytes.
func random(size int) func() ([]byte, error) {
	return func() ([]byte, error) {
		b := make([]byte, size)
		_, err := rand.Read(b)
		return b, err
	}
}

// algorithms returns the algorithms that a key can be used with. They follow
// from its spec and usage.
func (k *key) algorithms() []string {
	s := specs[k.spec]
	switch k.usage {
	case signVerify:
		return s.signing
	case macUsage:
		return s.mac
	case keyAgreement:
		return s.agreement
	}
	return s.encryption
}

// checkUse returns an error if the key is not enabled, has another usage or
// does not support the algorithm.
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

// CheckSpec returns the error that [Service.Ensure] returns for a key of this
// spec and usage, nil if there is none.
func CheckSpec(spec, usage string) error {
	_, _, err := checkSpec(spec, usage)
	return err
}

// checkSpec returns the key spec and the usage with their defaults applied, or
// an error if they are unknown or do not fit together.
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

// parse checks spec, usage and material of a key and sets k.private if the key
// is asymmetric.
func (k *key) parse() error {
	switch s := specs[k.spec]; {
	case s.generate == nil:
		return fmt.Errorf("unknown key spec %q", k.spec)
	case !slices.Contains(s.usages, k.usage):
		return fmt.Errorf("key spec %s does not allow usage %s", k.spec, k.usage)
	case k.spec == symmetric && len(k.material) != materialSize:
		return fmt.Errorf("%d bytes of key material, want %d", len(k.material), materialSize)
	case k.spec == symmetric || k.usage == macUsage:
		return nil
	}
	private, err := x509.ParsePKCS8PrivateKey(k.material)
	if err != nil {
		return fmt.Errorf("key material: %w", err)
	}
	k.private = private.(crypto.Signer) // RSA and ECDSA keys both are
	return nil
}
