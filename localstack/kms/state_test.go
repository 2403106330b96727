package kms_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/sotto-chat/sotto/localstack/kms"
)

func TestKeyStates(t *testing.T) {
	dir := t.TempDir()
	client, s := start(t, dir)
	if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
		t.Fatal(err)
	}
	id := aws.String(keyID)
	sealed, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: id, Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	// refused checks that the operations that use the key fail with want.
	refused := func(want string) {
		t.Helper()
		_, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: id, Plaintext: []byte("x")})
		wantException(t, err, want, keyARN)
		_, err = client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
		wantException(t, err, want, keyARN)
		_, err = client.GenerateDataKey(t.Context(), &awskms.GenerateDataKeyInput{
			KeyId:   id,
			KeySpec: types.DataKeySpecAes256,
		})
		wantException(t, err, want, keyARN)
	}
	described := func() *types.KeyMetadata {
		t.Helper()
		out, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: id})
		if err != nil {
			t.Fatal(err)
		}
		return out.KeyMetadata
	}

	if _, err := client.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	refused("DisabledException")
	client, s = start(t, dir) // after a restart
	if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
		t.Fatal(err)
	}
	refused("DisabledException")
	if m := described(); m.Enabled || m.KeyState != types.KeyStateDisabled {
		t.Errorf("after DisableKey: got %+v, want the state Disabled", m)
	}
	if _, err := client.EnableKey(t.Context(), &awskms.EnableKeyInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	if m := described(); !m.Enabled || m.KeyState != types.KeyStateEnabled {
		t.Errorf("after EnableKey: got %+v, want the state Enabled", m)
	}

	_, err = client.CancelKeyDeletion(t.Context(), &awskms.CancelKeyDeletionInput{KeyId: id})
	wantException(t, err, "KMSInvalidStateException", "is not pending deletion")
	_, err = client.ScheduleKeyDeletion(t.Context(), &awskms.ScheduleKeyDeletionInput{
		KeyId:               id,
		PendingWindowInDays: aws.Int32(6),
	})
	wantException(t, err, "ValidationException", "between 7 and 30")
	out, err := client.ScheduleKeyDeletion(t.Context(), &awskms.ScheduleKeyDeletionInput{
		KeyId:               id,
		PendingWindowInDays: aws.Int32(7),
	})
	if err != nil {
		t.Fatal(err)
	}
	if in := time.Until(*out.DeletionDate); out.KeyState != types.KeyStatePendingDeletion ||
		*out.PendingWindowInDays != 7 || in > 7*24*time.Hour || in < 6*24*time.Hour {
		t.Errorf("ScheduleKeyDeletion: got %+v, want PendingDeletion in 7 days", out)
	}
	refused("KMSInvalidStateException")
	if m := described(); m.KeyState != types.KeyStatePendingDeletion || m.DeletionDate == nil ||
		!m.DeletionDate.Equal(*out.DeletionDate) {
		t.Errorf("after ScheduleKeyDeletion: got %+v, want PendingDeletion on %v", m, out.DeletionDate)
	}
	_, err = client.EnableKey(t.Context(), &awskms.EnableKeyInput{KeyId: id})
	wantException(t, err, "KMSInvalidStateException", "is pending deletion")
	if _, err := client.CancelKeyDeletion(t.Context(), &awskms.CancelKeyDeletionInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	refused("DisabledException") // CancelKeyDeletion does not enable the key
	if _, err := client.EnableKey(t.Context(), &awskms.EnableKeyInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}); err != nil {
		t.Errorf("Decrypt after EnableKey: %v", err)
	}
}

func TestRotationIsStored(t *testing.T) {
	client, s := start(t, t.TempDir())
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Rotates: true}); err != nil {
		t.Fatal(err)
	}
	id := aws.String(keyID)
	rotates := func() bool {
		t.Helper()
		out, err := client.GetKeyRotationStatus(t.Context(), &awskms.GetKeyRotationStatusInput{KeyId: id})
		if err != nil {
			t.Fatal(err)
		}
		return out.KeyRotationEnabled
	}
	if !rotates() {
		t.Error("rotation is disabled, want it enabled as declared")
	}
	if _, err := client.DisableKeyRotation(t.Context(),
		&awskms.DisableKeyRotationInput{KeyId: id}); err != nil || rotates() {
		t.Errorf("DisableKeyRotation: got %v, want rotation disabled", err)
	}
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Rotates: true}); err != nil || rotates() {
		t.Errorf("Ensure of an existing key: got %v, want rotation still disabled", err)
	}
	if _, err := client.EnableKeyRotation(t.Context(),
		&awskms.EnableKeyRotationInput{KeyId: id}); err != nil || !rotates() {
		t.Errorf("EnableKeyRotation: got %v, want rotation enabled", err)
	}
	mac := ensure(t, s, "HMAC_256", "GENERATE_VERIFY_MAC")
	_, err := client.EnableKeyRotation(t.Context(), &awskms.EnableKeyRotationInput{KeyId: mac})
	wantException(t, err, "UnsupportedOperationException", "")
}

// A crash between the two writes of a new key, its state and its material, must
// not leave a key that is declared disabled usable.
func TestCrashWhileADisabledKeyIsMade(t *testing.T) {
	dir := t.TempDir()
	_, s := start(t, dir)
	// A folder in the place of the state file lets the write of the state fail.
	blocked := filepath.Join(dir, "states.json")
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	declared := kms.KeyOptions{ID: keyID, Disabled: true}
	if err := s.Ensure(declared); err == nil {
		t.Fatal("Ensure succeeded without writing the state")
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}

	client, s := start(t, dir) // on what the failed Ensure left
	if err := s.Ensure(declared); err != nil {
		t.Fatal(err)
	}
	_, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: aws.String(keyID), Plaintext: []byte("x")})
	wantException(t, err, "DisabledException", keyARN+" is disabled.")
}

// What a crash after the first write leaves, a state without its key, neither
// stops the next start nor counts for a key that is declared otherwise.
func TestStateWithoutItsKey(t *testing.T) {
	for _, disabled := range []bool{true, false} {
		dir := t.TempDir()
		left := `{"version": 1, "states": {"` + keyID + `": {"disabled": true}}}`
		if err := os.WriteFile(filepath.Join(dir, "states.json"), []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		client, s := start(t, dir)
		if err := s.Ensure(kms.KeyOptions{ID: keyID, Disabled: disabled}); err != nil {
			t.Fatal(err)
		}
		out, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: aws.String(keyID)})
		if err != nil {
			t.Fatal(err)
		}
		if out.KeyMetadata.Enabled == disabled {
			t.Errorf("a key declared with Disabled %t has Enabled %t", disabled, out.KeyMetadata.Enabled)
		}
	}
}

func TestEnsureDisabledKey(t *testing.T) {
	client, s := start(t, t.TempDir())
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Disabled: true}); err != nil {
		t.Fatal(err)
	}
	_, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: aws.String(keyID), Plaintext: []byte("x")})
	wantException(t, err, "DisabledException", keyARN+" is disabled.")
}
