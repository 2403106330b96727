package kms

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
)

// encrypt seals the plaintext with one of the key's algorithms. An RSA key has
// room for little: at most the modulus without two hashes and two bytes (RFC
// 8017 §7.1.1), and takes no encryption context.
func (k *key) encrypt(plaintext []byte, context map[string]string, algorithm string) ([]byte, error) {
	if algorithm == symmetric {
		blob, err := seal(k, plaintext, context)
		if err != nil {
			return nil, fmt.Errorf("encrypt: %w", err)
		}
		return blob, nil
	}
	private := k.private.(*rsa.PrivateKey) // checkUse has seen that the algorithm is the key's
	h := oaepHash(algorithm)
	switch room := private.Size() - 2*h.Size() - 2; {
	case len(context) > 0:
		return nil, errValidation("EncryptionContext is not supported with %s", algorithm)
	case len(plaintext) > room:
		return nil, errValidation("Plaintext must have length less than or equal to %d for %s with %s",
			room, algorithm, k.spec)
	}
	blob, err := rsa.EncryptOAEP(h, rand.Reader, &private.PublicKey, plaintext, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return blob, nil
}

// decrypt is the inverse. It does not say why a ciphertext does not open.
func (k *key) decrypt(blob []byte, context map[string]string, algorithm string) ([]byte, error) {
	if algorithm == symmetric {
		return open(k, blob, context)
	}
	return rsa.DecryptOAEP(oaepHash(algorithm), nil, k.private.(*rsa.PrivateKey), blob, nil)
}

// oaepHash is that of RSAES_OAEP_SHA_1 and RSAES_OAEP_SHA_256.
func oaepHash(algorithm string) hash.Hash {
	if algorithm == "RSAES_OAEP_SHA_1" {
		return sha1.New()
	}
	return sha256.New()
}
