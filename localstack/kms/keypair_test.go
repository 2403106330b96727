package kms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestDataKeyPairs(t *testing.T) {
	client := startWithKey(t)
	encryptionContext := map[string]string{"room": "lobby"}
	for _, spec := range []types.DataKeyPairSpec{
		types.DataKeyPairSpecRsa2048, types.DataKeyPairSpecRsa4096,
		types.DataKeyPairSpecEccNistP256, types.DataKeyPairSpecEccNistP521,
	} {
		t.Run(string(spec), func(t *testing.T) {
			made, err := client.GenerateDataKeyPair(t.Context(), &awskms.GenerateDataKeyPairInput{
				KeyId:             aws.String("alias/app"),
				KeyPairSpec:       spec,
				EncryptionContext: encryptionContext,
			})
			if err != nil {
				t.Fatal(err)
			}
			if *made.KeyId != keyARN || made.KeyPairSpec != spec {
				t.Errorf("got a %s pair under %s, want %s under %s", made.KeyPairSpec, *made.KeyId, spec, keyARN)
			}
			checkPair(t, made.PrivateKeyPlaintext, made.PublicKey)
			opened, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
				CiphertextBlob:    made.PrivateKeyCiphertextBlob,
				EncryptionContext: encryptionContext,
			})
			if err != nil || !bytes.Equal(opened.Plaintext, made.PrivateKeyPlaintext) {
				t.Errorf("Decrypt: got %v, want the private key", err)
			}
		})
	}
	made, err := client.GenerateDataKeyPairWithoutPlaintext(t.Context(),
		&awskms.GenerateDataKeyPairWithoutPlaintextInput{
			KeyId:       aws.String(keyID),
			KeyPairSpec: types.DataKeyPairSpecEccNistP384,
		})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: made.PrivateKeyCiphertextBlob})
	if err != nil {
		t.Fatal(err)
	}
	checkPair(t, opened.Plaintext, made.PublicKey)

	_, err = client.GenerateDataKeyPair(t.Context(), &awskms.GenerateDataKeyPairInput{
		KeyId:       aws.String(keyID),
		KeyPairSpec: types.DataKeyPairSpecSm2,
	})
	wantException(t, err, "UnsupportedOperationException", "SM2")
	_, err = client.GenerateDataKeyPair(t.Context(), &awskms.GenerateDataKeyPairInput{
		KeyId:       aws.String(keyID),
		KeyPairSpec: "RSA_1024",
	})
	wantException(t, err, "ValidationException", "keyPairSpec")
	_, err = client.GenerateDataKeyPair(t.Context(), &awskms.GenerateDataKeyPairInput{
		KeyId:       aws.String(keyID),
		KeyPairSpec: types.DataKeyPairSpecEccNistP256,
		DryRun:      aws.Bool(true),
	})
	wantException(t, err, "DryRunOperationException", "")
}

// checkPair checks that two DER encodings are a private key and its public key.
func checkPair(t *testing.T, private, public []byte) {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	own := key.(crypto.Signer).Public().(interface{ Equal(crypto.PublicKey) bool })
	if !own.Equal(parsed) {
		t.Error("the public key is not that of the private key")
	}
}

func TestDeriveSharedSecret(t *testing.T) {
	client, s := start(t, t.TempDir())
	for spec, curve := range map[string]elliptic.Curve{
		"ECC_NIST_P256": elliptic.P256(), "ECC_NIST_P384": elliptic.P384(), "ECC_NIST_P521": elliptic.P521(),
	} {
		t.Run(spec, func(t *testing.T) {
			id := ensure(t, s, spec, "KEY_AGREEMENT")
			described, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: id})
			if err != nil {
				t.Fatal(err)
			}
			if m := described.KeyMetadata; len(m.KeyAgreementAlgorithms) != 1 || m.SigningAlgorithms != nil ||
				m.KeyUsage != types.KeyUsageTypeKeyAgreement {
				t.Errorf("DescribeKey: got %+v, want the usage KEY_AGREEMENT with ECDH", m)
			}
			public, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: id})
			if err != nil {
				t.Fatal(err)
			}
			peer, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			derive := func(public []byte) (*awskms.DeriveSharedSecretOutput, error) {
				return client.DeriveSharedSecret(t.Context(), &awskms.DeriveSharedSecretInput{
					KeyId:                 id,
					KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh,
					PublicKey:             public,
				})
			}
			out, err := derive(encodePublic(t, peer.Public()))
			if err != nil {
				t.Fatal(err)
			}
			if want := agree(t, peer, public.PublicKey); !bytes.Equal(out.SharedSecret, want) {
				t.Errorf("got the secret %x, want %x", out.SharedSecret, want)
			}
			other, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			for name, public := range map[string][]byte{
				"no key": {1, 2, 3}, "another curve": encodePublic(t, other.Public()),
			} {
				_, err := derive(public)
				if wantException(t, err, "ValidationException", spec); t.Failed() {
					t.Errorf("with %s", name)
				}
			}
		})
	}
	signing := ensure(t, s, "ECC_NIST_P256", "SIGN_VERIFY")
	peer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.DeriveSharedSecret(t.Context(), &awskms.DeriveSharedSecretInput{
		KeyId:                 signing,
		KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh,
		PublicKey:             encodePublic(t, peer.Public()),
	})
	wantException(t, err, "InvalidKeyUsageException", "SIGN_VERIFY which is not valid for DeriveSharedSecret")
}

func encodePublic(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// agree derives the secret on the other side, by the standard library alone.
func agree(t *testing.T, private *ecdsa.PrivateKey, public []byte) []byte {
	t.Helper()
	parsed, err := x509.ParsePKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	var own *ecdh.PrivateKey
	if own, err = private.ECDH(); err != nil {
		t.Fatal(err)
	}
	other, err := parsed.(*ecdsa.PublicKey).ECDH()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := own.ECDH(other)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}
