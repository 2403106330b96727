package kms

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
)

// encrypt encrypts the plaintext with one of the key's algorithms. With an RSA
// key a plaintext has at most the size of the modulus minus two hashes and two
// bytes (RFC 8017 §7.1.1), and there is no encryption context.
func (k *key) encrypt(plaintext []byte, context map[string]string, algorithm string) ([]byte, error) {
	if algorithm == symmetric {
		blob, err := seal(k, plaintext, context)
		if err != nil {
			return nil, fmt.Errorf("encrypt: %w", err)
		}
		return blob, nil
	}
	private := k.private.(*rsa.PrivateKey) // checkUse has matched the algorithm with the key
	h := oaepHash(algorithm)
	switch limit := private.Size() - 2*h.Size() - 2; {
	case len(context) > 0:
		return nil, errValidation("EncryptionContext is not supported with %s", algorithm)
	case len(plaintext) > limit:
		return nil, errValidation("Plaintext must have length less than or equal to %d for %s with %s",
			limit, algorithm, k.spec)
	}
	blob, err := rsa.EncryptOAEP(h, rand.Reader, &private.PublicKey, plaintext, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return blob, nil
}

// decrypt is the inverse of encrypt. Its error does not tell why a ciphertext
// is invalid.
func (k *key) decrypt(blob []byte, context map[string]string, algorithm string) ([]byte, error) {
	if algorithm == symmetric {
		return open(k, blob, context)
	}
	return rsa.DecryptOAEP(oaepHash(algorithm), nil, k.private.(*rsa.PrivateKey), blob, nil)
}

// oaepHash returns the hash of RSAES_OAEP_SHA_1 or RSAES_OAEP_SHA_256.
func oaepHash(algorithm string) hash.Hash {
	if algorithm == "RSAES_OAEP_SHA_1" {
		return sha1.New()
	}
	return sha256.New()
}
