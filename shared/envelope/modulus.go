package envelope

import (
	"crypto/rsa"
	"fmt"
	"math/big"
)

// Modulus returns the key's modulus, big-endian, 256 or 384 bytes. A database
// needs to store no more of an encryption key, since e is always 65537.
func (k *EncryptionKey) Modulus() []byte { return k.public.N.Bytes() }

// EncryptionKeyFromModulus is the inverse of Modulus. It fails with ErrKey on
// a modulus that ParseEncryptionKey would refuse.
func EncryptionKeyFromModulus(n []byte) (*EncryptionKey, error) {
	// Check the length as well as the value: with a leading zero byte the same
	// modulus would have a second spelling.
	modulus := new(big.Int).SetBytes(n)
	if !allowedBits(len(n)*8) || modulus.BitLen() != len(n)*8 {
		return nil, fmt.Errorf("%w: modulus is not of 2048 or 3072 bits", ErrKey)
	}
	if modulus.Bit(0) == 0 {
		return nil, fmt.Errorf("%w: modulus is even", ErrKey)
	}
	return newEncryptionKey(&rsa.PublicKey{N: modulus, E: exponent}), nil
}
