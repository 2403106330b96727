package kms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/sotto-chat/sotto/localstack/kms"
)

// ensure declares a key and returns its id.
func ensure(t *testing.T, s *kms.Service, spec, usage string) *string {
	t.Helper()
	id := strings.ToLower(spec) + "-" + strings.ToLower(usage)
	if err := s.Ensure(kms.KeyOptions{ID: id, Spec: spec, Usage: usage}); err != nil {
		t.Fatal(err)
	}
	return &id
}

func TestSignAndVerify(t *testing.T) {
	dir := t.TempDir()
	client, s := start(t, dir)
	message := []byte("signed")
	digest := sha256.Sum256(message)
	for _, c := range []struct {
		spec      string
		algorithm types.SigningAlgorithmSpec
		check     func(public any, signature []byte) bool // by the standard library alone
	}{
		{"ECC_NIST_P256", types.SigningAlgorithmSpecEcdsaSha256,
			func(p any, sig []byte) bool { return ecdsa.VerifyASN1(p.(*ecdsa.PublicKey), digest[:], sig) }},
		{"RSA_2048", types.SigningAlgorithmSpecRsassaPkcs1V15Sha256, func(p any, sig []byte) bool {
			return rsa.VerifyPKCS1v15(p.(*rsa.PublicKey), crypto.SHA256, digest[:], sig) == nil
		}},
		{"RSA_2048", types.SigningAlgorithmSpecRsassaPssSha256, func(p any, sig []byte) bool {
			return rsa.VerifyPSS(p.(*rsa.PublicKey), crypto.SHA256, digest[:], sig, nil) == nil
		}},
	} {
		t.Run(string(c.algorithm), func(t *testing.T) {
			id := ensure(t, s, c.spec, "SIGN_VERIFY")
			public, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: id})
			if err != nil {
				t.Fatal(err)
			}
			key, err := x509.ParsePKIXPublicKey(public.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			if string(public.KeySpec) != c.spec || public.KeyUsage != types.KeyUsageTypeSignVerify ||
				len(public.SigningAlgorithms) == 0 {
				t.Errorf("GetPublicKey: got %+v, want a %s key for SIGN_VERIFY with algorithms", public, c.spec)
			}
			raw, err := client.Sign(t.Context(), &awskms.SignInput{
				KeyId:            id,
				Message:          message,
				SigningAlgorithm: c.algorithm,
			})
			if err != nil {
				t.Fatal(err)
			}
			hashed, err := client.Sign(t.Context(), &awskms.SignInput{
				KeyId:            id,
				Message:          digest[:],
				MessageType:      types.MessageTypeDigest,
				SigningAlgorithm: c.algorithm,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, signature := range [][]byte{raw.Signature, hashed.Signature} {
				if !c.check(key, signature) {
					t.Error("the signature does not verify with the public key")
				}
				ok, err := client.Verify(t.Context(), &awskms.VerifyInput{
					KeyId:            id,
					Message:          message,
					Signature:        signature,
					SigningAlgorithm: c.algorithm,
				})
				if err != nil || !ok.SignatureValid {
					t.Errorf("Verify: got %v, want a valid signature", err)
				}
				_, err = client.Verify(t.Context(), &awskms.VerifyInput{
					KeyId:            id,
					Message:          []byte("another"),
					Signature:        signature,
					SigningAlgorithm: c.algorithm,
				})
				wantException(t, err, "KMSInvalidSignatureException", "")
			}
			_, err = client.Sign(t.Context(), &awskms.SignInput{
				KeyId:            id,
				Message:          message,
				MessageType:      types.MessageTypeDigest,
				SigningAlgorithm: c.algorithm,
			})
			wantException(t, err, "ValidationException", "Digest is invalid length")
			_, err = client.Encrypt(t.Context(), &awskms.EncryptInput{
				KeyId:               id,
				Plaintext:           message,
				EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256,
			})
			wantException(t, err, "InvalidKeyUsageException", "SIGN_VERIFY which is not valid for Encrypt")

			client, _ := start(t, dir) // after a restart
			if _, err := client.Verify(t.Context(), &awskms.VerifyInput{
				KeyId:            id,
				Message:          message,
				Signature:        raw.Signature,
				SigningAlgorithm: c.algorithm,
			}); err != nil {
				t.Errorf("after a restart: %v", err)
			}
		})
	}
	_, err := client.Sign(t.Context(), &awskms.SignInput{
		KeyId:            ensure(t, s, "ECC_NIST_P256", "SIGN_VERIFY"),
		Message:          message,
		SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha384,
	})
	wantException(t, err, "InvalidKeyUsageException", "incompatible with key spec ECC_NIST_P256")
}

func TestRSAEncryption(t *testing.T) {
	client, s := start(t, t.TempDir())
	id := ensure(t, s, "RSA_2048", "ENCRYPT_DECRYPT")
	const algorithm = types.EncryptionAlgorithmSpecRsaesOaepSha256
	public, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: id})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKIXPublicKey(public.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	outside, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key.(*rsa.PublicKey), []byte("from outside"), nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
		KeyId:               id,
		CiphertextBlob:      outside,
		EncryptionAlgorithm: algorithm,
	})
	if err != nil || string(opened.Plaintext) != "from outside" || opened.EncryptionAlgorithm != algorithm {
		t.Errorf("Decrypt: got %+v, %v, want the plaintext %q with %s", opened, err, "from outside", algorithm)
	}
	_, err = client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: outside, EncryptionAlgorithm: algorithm})
	wantException(t, err, "ValidationException", "KeyId")
	_, err = client.Decrypt(t.Context(), &awskms.DecryptInput{
		KeyId:               id,
		CiphertextBlob:      outside,
		EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha1,
	})
	wantException(t, err, "InvalidCiphertextException", "")
	_, err = client.Encrypt(t.Context(), &awskms.EncryptInput{
		KeyId:               id,
		Plaintext:           make([]byte, 191),
		EncryptionAlgorithm: algorithm,
	})
	wantException(t, err, "ValidationException", "190")
	_, err = client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: id, Plaintext: []byte("x")})
	wantException(t, err, "InvalidKeyUsageException", "SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048")
	_, err = client.Encrypt(t.Context(), &awskms.EncryptInput{
		KeyId:               id,
		Plaintext:           []byte("x"),
		EncryptionAlgorithm: algorithm,
		EncryptionContext:   map[string]string{"a": "b"},
	})
	wantException(t, err, "ValidationException", "EncryptionContext")

	if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
		t.Fatal(err)
	}
	again, err := client.ReEncrypt(t.Context(), &awskms.ReEncryptInput{
		CiphertextBlob:               outside,
		SourceKeyId:                  id,
		SourceEncryptionAlgorithm:    algorithm,
		DestinationKeyId:             aws.String(keyID),
		DestinationEncryptionContext: map[string]string{"a": "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	opened, err = client.Decrypt(t.Context(), &awskms.DecryptInput{
		CiphertextBlob:    again.CiphertextBlob,
		EncryptionContext: map[string]string{"a": "b"},
	})
	if err != nil || string(opened.Plaintext) != "from outside" || *opened.KeyId != keyARN ||
		*again.KeyId != keyARN || !strings.HasSuffix(*again.SourceKeyId, *id) {
		t.Errorf("ReEncrypt: got %+v, %v, want the plaintext %q under %s", opened, err, "from outside", keyARN)
	}
}

func TestMACs(t *testing.T) {
	client, s := start(t, t.TempDir())
	id := ensure(t, s, "HMAC_256", "GENERATE_VERIFY_MAC")
	out, err := client.GenerateMac(t.Context(), &awskms.GenerateMacInput{
		KeyId:        id,
		Message:      []byte("m"),
		MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
	})
	if err != nil || len(out.Mac) != 32 {
		t.Fatalf("GenerateMac: got %+v, %v, want 32 bytes", out, err)
	}
	ok, err := client.VerifyMac(t.Context(), &awskms.VerifyMacInput{
		KeyId:        id,
		Message:      []byte("m"),
		Mac:          out.Mac,
		MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
	})
	if err != nil || !ok.MacValid {
		t.Errorf("VerifyMac: got %v, want a valid MAC", err)
	}
	_, err = client.VerifyMac(t.Context(), &awskms.VerifyMacInput{
		KeyId:        id,
		Message:      []byte("n"),
		Mac:          out.Mac,
		MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
	})
	wantException(t, err, "KMSInvalidMacException", "")
	_, err = client.GenerateMac(t.Context(), &awskms.GenerateMacInput{
		KeyId:        id,
		Message:      []byte("m"),
		MacAlgorithm: types.MacAlgorithmSpecHmacSha512,
	})
	wantException(t, err, "InvalidKeyUsageException", "HMAC_SHA_512")
	_, err = client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: id})
	wantException(t, err, "UnsupportedOperationException", "")
	described, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: id})
	if err != nil || described.KeyMetadata.KeySpec != types.KeySpecHmac256 ||
		len(described.KeyMetadata.MacAlgorithms) != 1 || described.KeyMetadata.EncryptionAlgorithms != nil {
		t.Errorf("DescribeKey: got %+v, %v, want spec HMAC_256 and one MAC algorithm", described, err)
	}
}

func TestKeyKeepsItsSpec(t *testing.T) {
	_, s := start(t, t.TempDir())
	if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
		t.Fatal(err)
	}
	err := s.Ensure(kms.KeyOptions{ID: keyID, Spec: "HMAC_256", Usage: "GENERATE_VERIFY_MAC"})
	if err == nil || !strings.Contains(err.Error(), "cannot become") {
		t.Errorf("got %v, want an error that the key cannot become an HMAC key", err)
	}
}

func TestMoveAndDeleteAlias(t *testing.T) {
	dir := t.TempDir()
	client, s := start(t, dir)
	for _, id := range []string{"first", "second"} {
		if err := s.Ensure(kms.KeyOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	mac := ensure(t, s, "HMAC_256", "GENERATE_VERIFY_MAC")
	app := aws.String("alias/app")
	_, err := client.UpdateAlias(t.Context(), &awskms.UpdateAliasInput{
		AliasName:   app,
		TargetKeyId: aws.String("first"),
	})
	wantException(t, err, "NotFoundException", "alias/app")
	_, err = client.DeleteAlias(t.Context(), &awskms.DeleteAliasInput{AliasName: app})
	wantException(t, err, "NotFoundException", "alias/app")
	if _, err := client.CreateAlias(t.Context(), &awskms.CreateAliasInput{
		AliasName:   app,
		TargetKeyId: aws.String("first"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateAlias(t.Context(), &awskms.UpdateAliasInput{
		AliasName:   app,
		TargetKeyId: aws.String("second"),
	}); err != nil {
		t.Fatal(err)
	}
	_, err = client.UpdateAlias(t.Context(), &awskms.UpdateAliasInput{AliasName: app, TargetKeyId: mac})
	wantException(t, err, "ValidationException", "cannot move")
	if described, err := client.DescribeKey(t.Context(),
		&awskms.DescribeKeyInput{KeyId: app}); err != nil || *described.KeyMetadata.KeyId != "second" {
		t.Errorf("after UpdateAlias: got %+v, %v, want the key second", described, err)
	}
	if _, err := client.DeleteAlias(t.Context(), &awskms.DeleteAliasInput{AliasName: app}); err != nil {
		t.Fatal(err)
	}
	client, _ = start(t, dir) // after a restart
	_, err = client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: app})
	wantException(t, err, "NotFoundException", "alias/app")
}
