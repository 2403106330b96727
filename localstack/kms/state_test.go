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

// stateTest is a key and what tests of its state do with it.
type stateTest struct {
	*testing.T
	dir    string
	client *awskms.Client
	id     *string
	sealed []byte // encrypted with the key
}

func newStateTest(t *testing.T) *stateTest {
	t.Helper()
	k := &stateTest{T: t, dir: t.TempDir(), id: aws.String(keyID)}
	k.restart()
	sealed, err := k.client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: k.id, Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	k.sealed = sealed.CiphertextBlob
	return k
}

// restart opens the service again and declares the key, as every start of a
// stack does.
func (k *stateTest) restart() {
	k.Helper()
	client, s := start(k.T, k.dir)
	if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
		k.Fatal(err)
	}
	k.client = client
}

// refused checks that the operations that use the key fail with want.
func (k *stateTest) refused(want string) {
	k.Helper()
	_, err := k.client.Encrypt(k.Context(), &awskms.EncryptInput{KeyId: k.id, Plaintext: []byte("x")})
	wantException(k.T, err, want, keyARN)
	_, err = k.client.Decrypt(k.Context(), &awskms.DecryptInput{CiphertextBlob: k.sealed})
	wantException(k.T, err, want, keyARN)
	_, err = k.client.GenerateDataKey(k.Context(), &awskms.GenerateDataKeyInput{
		KeyId:   k.id,
		KeySpec: types.DataKeySpecAes256,
	})
	wantException(k.T, err, want, keyARN)
}

func (k *stateTest) described() *types.KeyMetadata {
	k.Helper()
	out, err := k.client.DescribeKey(k.Context(), &awskms.DescribeKeyInput{KeyId: k.id})
	if err != nil {
		k.Fatal(err)
	}
	return out.KeyMetadata
}

func TestDisableAndEnableKey(t *testing.T) {
	k := newStateTest(t)
	if _, err := k.client.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: k.id}); err != nil {
		t.Fatal(err)
	}
	k.refused("DisabledException")
	k.restart()
	k.refused("DisabledException")
	if m := k.described(); m.Enabled || m.KeyState != types.KeyStateDisabled {
		t.Errorf("after DisableKey: got %+v, want the state Disabled", m)
	}
	if _, err := k.client.EnableKey(t.Context(), &awskms.EnableKeyInput{KeyId: k.id}); err != nil {
		t.Fatal(err)
	}
	if m := k.described(); !m.Enabled || m.KeyState != types.KeyStateEnabled {
		t.Errorf("after EnableKey: got %+v, want the state Enabled", m)
	}
}

func TestScheduleAndCancelDeletion(t *testing.T) {
	k := newStateTest(t)
	_, err := k.client.CancelKeyDeletion(t.Context(), &awskms.CancelKeyDeletionInput{KeyId: k.id})
	wantException(t, err, "KMSInvalidStateException", "is not pending deletion")
	_, err = k.client.ScheduleKeyDeletion(t.Context(), &awskms.ScheduleKeyDeletionInput{
		KeyId:               k.id,
		PendingWindowInDays: aws.Int32(6),
	})
	wantException(t, err, "ValidationException", "between 7 and 30")
	out, err := k.client.ScheduleKeyDeletion(t.Context(), &awskms.ScheduleKeyDeletionInput{
		KeyId:               k.id,
		PendingWindowInDays: aws.Int32(7),
	})
	if err != nil {
		t.Fatal(err)
	}
	if in := time.Until(*out.DeletionDate); out.KeyState != types.KeyStatePendingDeletion ||
		*out.PendingWindowInDays != 7 || in > 7*24*time.Hour || in < 6*24*time.Hour {
		t.Errorf("ScheduleKeyDeletion: got %+v, want PendingDeletion in 7 days", out)
	}
	k.refused("KMSInvalidStateException")
	if m := k.described(); m.KeyState != types.KeyStatePendingDeletion || m.DeletionDate == nil ||
		!m.DeletionDate.Equal(*out.DeletionDate) {
		t.Errorf("after ScheduleKeyDeletion: got %+v, want PendingDeletion on %v", m, out.DeletionDate)
	}
	_, err = k.client.EnableKey(t.Context(), &awskms.EnableKeyInput{KeyId: k.id})
	wantException(t, err, "KMSInvalidStateException", "is pending deletion")
	if _, err := k.client.CancelKeyDeletion(t.Context(), &awskms.CancelKeyDeletionInput{KeyId: k.id}); err != nil {
		t.Fatal(err)
	}
	k.refused("DisabledException") // CancelKeyDeletion does not enable the key
	if _, err := k.client.EnableKey(t.Context(), &awskms.EnableKeyInput{KeyId: k.id}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: k.sealed}); err != nil {
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
