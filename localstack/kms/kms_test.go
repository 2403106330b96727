package kms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/sotto-chat/sotto/localstack/kms"
)

const (
	keyID    = "1234abcd-12ab-34cd-56ef-1234567890ab"
	keyARN   = "arn:aws:kms:eu-central-1:000000000000:key/" + keyID
	aliasARN = "arn:aws:kms:eu-central-1:000000000000:alias/app"
)

// start opens the service on the folder and returns it with an SDK client.
func start(t *testing.T, dir string) (*awskms.Client, *kms.Service) {
	t.Helper()
	return serveKeys(t, kms.Options{Dir: dir})
}

// serveKeys opens the service with these options and returns it with an SDK
// client.
func serveKeys(t *testing.T, o kms.Options) (*awskms.Client, *kms.Service) {
	t.Helper()
	o.Account, o.Region = "000000000000", "eu-central-1"
	s, err := kms.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return awskms.New(awskms.Options{
		BaseEndpoint: aws.String(server.URL),
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), s
}

// startWithKey is start with one key, under the alias app.
func startWithKey(t *testing.T) *awskms.Client {
	t.Helper()
	client, s := start(t, t.TempDir())
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Aliases: []string{"alias/app"}}); err != nil {
		t.Fatal(err)
	}
	return client
}

func wantException(t *testing.T, err error, name, text string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got %v, want the exception %s", err, name)
	}
	if api.ErrorCode() != name || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("got %s: %q, want %s: %q", api.ErrorCode(), api.ErrorMessage(), name, text)
	}
}

func TestRoundTripWithEveryFormOfKeyID(t *testing.T) {
	client := startWithKey(t)
	for _, id := range []string{keyID, keyARN, "alias/app", aliasARN} {
		t.Run(id, func(t *testing.T) {
			plaintext := bytes.Repeat([]byte{7}, 4096)
			sealed, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &id, Plaintext: plaintext})
			if err != nil {
				t.Fatal(err)
			}
			if *sealed.KeyId != keyARN {
				t.Errorf("Encrypt returned key %s, want %s", *sealed.KeyId, keyARN)
			}
			for _, named := range []*string{nil, &id} {
				opened, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
					CiphertextBlob: sealed.CiphertextBlob,
					KeyId:          named,
				})
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(opened.Plaintext, plaintext) || *opened.KeyId != keyARN {
					t.Errorf("Decrypt returned %d bytes under %s, want the %d of the plaintext under %s",
						len(opened.Plaintext), *opened.KeyId, len(plaintext), keyARN)
				}
			}
		})
	}
}

func TestDecryptRefuses(t *testing.T) {
	client, s := start(t, t.TempDir())
	for i, id := range []string{keyID, "other"} {
		if err := s.Ensure(kms.KeyOptions{ID: id, Aliases: []string{fmt.Sprintf("alias/%d", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	encryptionContext := map[string]string{"deployment": "a", "purpose": "b"}
	sealed, err := client.Encrypt(t.Context(), &awskms.EncryptInput{
		KeyId:             aws.String(keyID),
		Plaintext:         []byte("secret"),
		EncryptionContext: encryptionContext,
	})
	if err != nil {
		t.Fatal(err)
	}
	blob := sealed.CiphertextBlob

	t.Run("each byte altered", func(t *testing.T) {
		for i := range blob {
			altered := bytes.Clone(blob)
			altered[i] ^= 1
			_, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
				CiphertextBlob:    altered,
				EncryptionContext: encryptionContext,
			})
			wantException(t, err, "InvalidCiphertextException", "")
		}
	})
	t.Run("truncated", func(t *testing.T) {
		for n := 1; n < len(blob); n++ {
			_, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
				CiphertextBlob:    blob[:n],
				EncryptionContext: encryptionContext,
			})
			wantException(t, err, "InvalidCiphertextException", "")
		}
	})
	for name, other := range map[string]map[string]string{
		"no context":       nil,
		"a missing pair":   {"deployment": "a"},
		"an added pair":    {"deployment": "a", "purpose": "b", "more": ""},
		"another value":    {"deployment": "a", "purpose": "c"},
		"shifted boundary": {"deploymen": "ta", "purpose": "b"},
		"swapped values":   {"deployment": "b", "purpose": "a"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob, EncryptionContext: other})
			wantException(t, err, "InvalidCiphertextException", "")
		})
	}
	t.Run("another key", func(t *testing.T) {
		_, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
			CiphertextBlob:    blob,
			EncryptionContext: encryptionContext,
			KeyId:             aws.String("alias/1"),
		})
		if _, ok := errors.AsType[*types.IncorrectKeyException](err); !ok {
			t.Errorf("got %v, want IncorrectKeyException", err)
		}
	})
	t.Run("an oversize blob", func(t *testing.T) {
		_, err := client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: make([]byte, 6145)})
		wantException(t, err, "ValidationException", "'ciphertextBlob'")
	})
}

func TestDataKeys(t *testing.T) {
	client := startWithKey(t)
	key := aws.String("alias/app")
	encryptionContext := map[string]string{"room": "lobby"}
	for _, c := range []struct {
		name string
		in   awskms.GenerateDataKeyInput
		size int
	}{
		{"AES_256", awskms.GenerateDataKeyInput{KeySpec: types.DataKeySpecAes256}, 32},
		{"AES_128", awskms.GenerateDataKeyInput{KeySpec: types.DataKeySpecAes128}, 16},
		{"bytes", awskms.GenerateDataKeyInput{NumberOfBytes: aws.Int32(1024)}, 1024},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.KeyId, c.in.EncryptionContext = key, encryptionContext
			made, err := client.GenerateDataKey(t.Context(), &c.in)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
				CiphertextBlob:    made.CiphertextBlob,
				EncryptionContext: encryptionContext,
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(made.Plaintext) != c.size || !bytes.Equal(made.Plaintext, opened.Plaintext) {
				t.Errorf("got a data key of %d bytes and %d from Decrypt, want the same %d", len(made.Plaintext),
					len(opened.Plaintext), c.size)
			}
		})
	}
	t.Run("without plaintext", func(t *testing.T) {
		made, err := client.GenerateDataKeyWithoutPlaintext(t.Context(), &awskms.GenerateDataKeyWithoutPlaintextInput{
			KeyId:   key,
			KeySpec: types.DataKeySpecAes256,
		})
		if err != nil {
			t.Fatal(err)
		}
		opened, err := client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: made.CiphertextBlob})
		if err != nil || len(opened.Plaintext) != 32 {
			t.Errorf("Decrypt: got %+v, %v, want 32 bytes", opened, err)
		}
	})
	t.Run("random", func(t *testing.T) {
		seen := map[string]bool{}
		for range 2 {
			made, err := client.GenerateRandom(t.Context(), &awskms.GenerateRandomInput{NumberOfBytes: aws.Int32(32)})
			if err != nil {
				t.Fatal(err)
			}
			seen[string(made.Plaintext)] = len(made.Plaintext) == 32
		}
		if len(seen) != 2 {
			t.Error("two calls returned the same bytes")
		}
	})
}

func TestRefusedRequests(t *testing.T) {
	client := startWithKey(t)
	app := aws.String("alias/app")
	encrypt := func(keyID string, size int) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.Encrypt(ctx, &awskms.EncryptInput{KeyId: &keyID, Plaintext: make([]byte, size)})
			return err
		}
	}
	dataKey := func(in awskms.GenerateDataKeyInput) func(context.Context) error {
		return func(ctx context.Context) error {
			in.KeyId = app
			_, err := client.GenerateDataKey(ctx, &in)
			return err
		}
	}
	createAlias := func(name, target string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.CreateAlias(ctx, &awskms.CreateAliasInput{AliasName: &name, TargetKeyId: &target})
			return err
		}
	}
	const missing = "00000000-0000-0000-0000-000000000000"
	for _, c := range []struct {
		name      string
		call      func(context.Context) error
		exception string
		text      string
	}{
		{"empty plaintext", encrypt("alias/app", 0), "ValidationException", "greater than or equal to 1"},
		{"oversize plaintext", encrypt("alias/app", 4097), "ValidationException", "less than or equal to 4096"},
		{"no such key", encrypt(missing, 1), "NotFoundException",
			"Key 'arn:aws:kms:eu-central-1:000000000000:key/" + missing + "' does not exist"},
		{"no such key ARN", encrypt(strings.Replace(keyARN, "eu-", "us-", 1), 1), "NotFoundException",
			"does not exist"},
		{"no such alias", encrypt("alias/none", 1), "NotFoundException",
			"Alias arn:aws:kms:eu-central-1:000000000000:alias/none is not found."},
		{"alias of another Region", encrypt(strings.Replace(aliasARN, "eu-", "us-", 1), 1),
			"NotFoundException", "is not found."},
		{"not a key id", encrypt("nonsense", 1), "NotFoundException", "Invalid keyId 'nonsense'"},
		{"not an ARN", encrypt("arn:aws:s3:::bucket", 1), "InvalidArnException", "arn:aws:s3:::bucket"},
		{"neither size nor spec", dataKey(awskms.GenerateDataKeyInput{}), "ValidationException",
			"either number of bytes or key spec"},
		{"both size and spec", dataKey(awskms.GenerateDataKeyInput{
			KeySpec:       "AES_256",
			NumberOfBytes: aws.Int32(32),
		}), "ValidationException", "either number of bytes or key spec"},
		{"unknown spec", dataKey(awskms.GenerateDataKeyInput{KeySpec: "AES_512"}), "ValidationException",
			"enum value set"},
		{"too many bytes", dataKey(awskms.GenerateDataKeyInput{NumberOfBytes: aws.Int32(1025)}),
			"ValidationException", "less than or equal to 1024"},
		{"no bytes", dataKey(awskms.GenerateDataKeyInput{NumberOfBytes: aws.Int32(0)}),
			"ValidationException", "greater than or equal to 1"},
		{"dry run", dataKey(awskms.GenerateDataKeyInput{
			KeySpec: "AES_256",
			DryRun:  aws.Bool(true),
		}), "DryRunOperationException", "would have succeeded"},
		{"enclave", dataKey(awskms.GenerateDataKeyInput{
			KeySpec:   "AES_256",
			Recipient: &types.RecipientInfo{AttestationDocument: []byte{1}},
		}), "UnsupportedOperationException", "Nitro"},
		{"asymmetric algorithm", func(ctx context.Context) error {
			_, err := client.Encrypt(ctx, &awskms.EncryptInput{
				KeyId:               app,
				Plaintext:           []byte{1},
				EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256,
			})
			return err
		}, "InvalidKeyUsageException", "SYMMETRIC_DEFAULT"},
		{"key spec that does not exist here", func(ctx context.Context) error {
			_, err := client.CreateKey(ctx, &awskms.CreateKeyInput{
				KeySpec:  types.KeySpecSm2,
				KeyUsage: types.KeyUsageTypeEncryptDecrypt,
			})
			return err
		}, "UnsupportedOperationException", "SM2"},
		{"asymmetric key without a usage", func(ctx context.Context) error {
			_, err := client.CreateKey(ctx, &awskms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256})
			return err
		}, "ValidationException", "KeyUsage"},
		{"usage of another spec", func(ctx context.Context) error {
			_, err := client.CreateKey(ctx, &awskms.CreateKeyInput{
				KeySpec:  types.KeySpecEccNistP256,
				KeyUsage: types.KeyUsageTypeEncryptDecrypt,
			})
			return err
		}, "ValidationException", "not compatible"},
		{"alias taken", createAlias("alias/app", keyID), "AlreadyExistsException", aliasARN + " already exists"},
		{"alias of an alias", createAlias("alias/b", "alias/app"), "ValidationException", "Not aliases"},
		{"alias without prefix", createAlias("b", keyID), "ValidationException", "Invalid identifier"},
		{"alias with odd characters", createAlias("alias/b!", keyID), "ValidationException", "regular expression"},
		{"alias of AWS", createAlias("alias/aws/b", keyID), "NotAuthorizedException", ""},
		{"grants by alias", func(ctx context.Context) error {
			_, err := client.ListGrants(ctx, &awskms.ListGrantsInput{KeyId: app})
			return err
		}, "NotFoundException", "Invalid keyId 'alias/app'"},
		{"deletion by alias", func(ctx context.Context) error {
			_, err := client.ScheduleKeyDeletion(ctx, &awskms.ScheduleKeyDeletionInput{KeyId: app})
			return err
		}, "NotFoundException", "Invalid keyId 'alias/app'"},
		{"change by the alias's ARN", func(ctx context.Context) error {
			_, err := client.DisableKey(ctx, &awskms.DisableKeyInput{KeyId: aws.String(aliasARN)})
			return err
		}, "NotFoundException", "Invalid keyId"},
		{"bad marker", func(ctx context.Context) error {
			_, err := client.ListKeys(ctx, &awskms.ListKeysInput{Marker: aws.String("*")})
			return err
		}, "InvalidMarkerException", ""},
	} {
		t.Run(c.name, func(t *testing.T) { wantException(t, c.call(t.Context()), c.exception, c.text) })
	}
}

func TestConcurrentUse(t *testing.T) {
	client, s := start(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			id := fmt.Sprintf("key-%d", i%2)
			if err := s.Ensure(kms.KeyOptions{ID: id, Aliases: []string{"alias/" + id}}); err != nil {
				t.Error(err)
				return
			}
			sealed, err := client.Encrypt(t.Context(), &awskms.EncryptInput{
				KeyId:     aws.String("alias/" + id),
				Plaintext: []byte(id),
			})
			if err != nil {
				t.Error(err)
				return
			}
			opened, err := client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
			if err != nil || string(opened.Plaintext) != id {
				t.Errorf("Decrypt under %s: got %v, want the plaintext", id, err)
			}
		})
	}
	wg.Wait()
}

// An operation that is not implemented names itself in the answer.
func TestAbsentOperationsNameThemselves(t *testing.T) {
	client, s := start(t, t.TempDir())
	_, err := client.ReplicateKey(t.Context(), &awskms.ReplicateKeyInput{
		KeyId:         aws.String(keyID),
		ReplicaRegion: aws.String("eu-west-1"),
	})
	wantException(t, err, "UnknownOperationException", "The operation ReplicateKey is not implemented locally")
	for target, want := range map[string]string{
		"TrentService.ConnectCustomKeyStore": "ConnectCustomKeyStore",
		"TrentService.Nothing":               "Nothing",
		"TrentService.":                      "X-Amz-Target",
		"":                                   "X-Amz-Target",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
		r.Header.Set("X-Amz-Target", target)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if body := w.Body.String(); w.Code != http.StatusBadRequest ||
			!strings.Contains(body, `"UnknownOperationException"`) || !strings.Contains(body, want) {
			t.Errorf("X-Amz-Target %q: got %d %s, want 400 UnknownOperationException with %s", target,
				w.Code, body, want)
		}
	}
}

func TestMalformedBodies(t *testing.T) {
	_, s := start(t, t.TempDir())
	for _, body := range []string{"", "{", `{"Plaintext":"%"}`, `{"KeyId":1}`,
		`{"KeyId":"` + strings.Repeat("a", 300<<10) + `"}`} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "TrentService.Encrypt")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"SerializationException"`) {
			t.Errorf("body %.20q: got %d %s, want 400 SerializationException", body, w.Code, w.Body)
		}
	}
}
