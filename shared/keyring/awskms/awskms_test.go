package awskms_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	engine "github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/awskms"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
	"github.com/sotto-chat/sotto/shared/strict"
)

// start serves KMS's protocol over HTTP with two keys and returns both through
// the SDK.
func start(t *testing.T) (first, second *awskms.KMS) {
	t.Helper()
	service, err := engine.Open(engine.Options{Dir: t.TempDir(), Account: "000000000000", Region: "eu-central-1"})
	if err != nil {
		t.Fatal(err)
	}
	const firstID, secondID = "1234abcd-12ab-34cd-56ef-1234567890ab", "1234abcd-12ab-34cd-56ef-1234567890cd"
	for _, id := range []string{firstID, secondID} {
		if err := service.Ensure(engine.KeyOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	client := kms.New(kms.Options{
		BaseEndpoint: aws.String(server.URL),
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return awskms.New(client, firstID), awskms.New(client, secondID)
}

func TestBlobsAreBoundToKeyAndContext(t *testing.T) {
	first, second := start(t)
	ec := keyring.EncryptionContext{"deployment": "a", "purpose": "x"}
	secret := []byte("thirty-two bytes or less")
	blob, err := first.Encrypt(t.Context(), secret, ec)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := first.Decrypt(t.Context(), blob, ec); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("decrypted %q, %v", got, err)
	}
	if got, err := first.Decrypt(t.Context(), blob,
		keyring.EncryptionContext{"deployment": "b", "purpose": "x"}); err == nil {
		t.Errorf("another context decrypted %q", got)
	}
	if got, err := second.Decrypt(t.Context(), blob, ec); err == nil {
		t.Errorf("another key decrypted %q", got)
	}
	plaintext, blob, err := first.GenerateDataKey(t.Context(), ec)
	if err != nil || len(plaintext) != 32 {
		t.Fatalf("data key of %d bytes, %v", len(plaintext), err)
	}
	if got, err := first.Decrypt(t.Context(), blob, ec); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("the data key's blob decrypted to something else: %v", err)
	}
}

// The largest private key there is must fit what KMS encrypts.
func TestKeyringOver3072Bits(t *testing.T) {
	wrapping, _ := start(t)
	ring := keyring.New(keyringtest.NewStore(), wrapping, keyring.Options{Audience: "host/stage", ServerKeyBits: 3072})
	if err := ring.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, generation, err := ring.KeySet(t.Context())
	if err != nil || generation != 1 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	active := activeKey(t, token)
	if active.Bits() != 3072 {
		t.Errorf("server key of %d bits", active.Bits())
	}
	sealed, err := envelope.Seal(active, envelope.TypeSend, []byte("hi"))
	if err != nil {
		t.Fatal(err)
	}
	if got, kid, err := ring.OpenSend(t.Context(), sealed); err != nil || string(got) != "hi" ||
		kid != active.Thumbprint() {
		t.Errorf("opened %q under %q, %v", got, kid, err)
	}
	id, ciphertext, err := ring.SealAtRest(t.Context(), []byte("text"), []byte("row"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.OpenAtRest(t.Context(), id, ciphertext, []byte("row")); err != nil || string(got) != "text" {
		t.Errorf("opened %q, %v", got, err)
	}
}

// activeKey reads the first key of a set, as a client does; its signer is
// checked where the key set is what is tested.
func activeKey(t *testing.T, token string) *envelope.EncryptionKey {
	t.Helper()
	packed, err := envelope.PackSigned(token)
	if err != nil {
		t.Fatal(err)
	}
	text := packed[bytes.Index(packed, []byte(`{"v"`)) : len(packed)-64]
	var claims struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := strict.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	key, err := envelope.ParseEncryptionKey(claims.Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	return key
}
