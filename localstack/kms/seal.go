package kms

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A ciphertext blob is
//
//	version (1 byte) | length of the key id (1) | key id | salt (32) | AES-256-GCM ciphertext and tag (16)
//
// so Decrypt finds the key in the blob. The additional data of GCM is all that
// precedes the ciphertext, and the encryption context.
const (
	blobVersion  = 1
	materialSize = 32 // AES-256
	saltSize     = 32
	tagSize      = 16
	// derivationLabel separates this use of the key material from all others.
	derivationLabel = "localstack kms v1 SYMMETRIC_DEFAULT"
)

// errBlob is the one error for a blob that cannot be decrypted. Like KMS, this
// package does not distinguish a wrong encryption context from a damaged
// ciphertext.
var errBlob = errors.New("the ciphertext cannot be decrypted")

// seal encrypts the plaintext with a key and a nonce that are derived for this
// one message.
//
// The key material itself encrypts nothing. HKDF-SHA256 (RFC 5869) derives the
// AES key and the GCM nonce from it and a random salt of 32 bytes. A pair
// repeats only if a salt repeats, which has probability 2^-128 after 2^64
// messages, so the uses of a key need not be counted. With one AES key and
// random nonces of 96 bits, the bound would be 2^32 messages (NIST SP 800-38D
// §8.3).
func seal(k *key, plaintext []byte, context map[string]string) ([]byte, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, fmt.Errorf("generate a salt: %w", err)
	}
	header := []byte{blobVersion, byte(len(k.id))} // ids have at most 128 bytes
	header = append(header, k.id...)
	header = append(header, salt...)
	aead, nonce, err := messageCipher(k.material, salt)
	if err != nil {
		return nil, err
	}
	return aead.Seal(header, nonce, plaintext, additionalData(header, context)), nil
}

// open decrypts a blob that seal made with the same key and encryption context.
func open(k *key, blob []byte, context map[string]string) ([]byte, error) {
	header := 2 + len(k.id) + saltSize
	if len(blob) < header+tagSize {
		return nil, errBlob
	}
	aead, nonce, err := messageCipher(k.material, blob[header-saltSize:header])
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, nonce, blob[header:], additionalData(blob[:header], context))
	if err != nil {
		return nil, errBlob
	}
	return plaintext, nil
}

// blobKeyID returns the key id in the header of a blob. It is authentic only
// after open has succeeded.
func blobKeyID(blob []byte) (string, error) {
	if len(blob) < 2 || blob[0] != blobVersion || len(blob) < 2+int(blob[1])+saltSize+tagSize {
		return "", errBlob
	}
	return string(blob[2 : 2+int(blob[1])]), nil
}

func messageCipher(material, salt []byte) (cipher.AEAD, []byte, error) {
	const nonceSize = 12
	derived, err := hkdf.Key(sha256.New, material, salt, derivationLabel, materialSize+nonceSize)
	if err != nil {
		return nil, nil, fmt.Errorf("derive a message key: %w", err)
	}
	block, err := aes.NewCipher(derived[:materialSize])
	if err != nil {
		return nil, nil, fmt.Errorf("derive a message key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, fmt.Errorf("derive a message key: %w", err)
	}
	return aead, derived[materialSize:], nil
}

// additionalData encodes header and encryption context injectively: the length
// precedes every string, and the pairs are sorted, because the order of an
// encryption context has no meaning (KMS developer guide).
func additionalData(header []byte, context map[string]string) []byte {
	var b bytes.Buffer
	field := func(s []byte) {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		b.Write(s)
	}
	field(header)
	for _, name := range slices.Sorted(maps.Keys(context)) {
		field([]byte(name))
		field([]byte(context[name]))
	}
	return b.Bytes()
}
