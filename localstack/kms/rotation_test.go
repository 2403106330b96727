package kms_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/sotto-chat/sotto/localstack/kms"
)

// rotationStatus returns the status of the key's rotation.
func (k *stateTest) rotationStatus() *awskms.GetKeyRotationStatusOutput {
	k.Helper()
	out, err := k.client.GetKeyRotationStatus(k.Context(), &awskms.GetKeyRotationStatusInput{KeyId: k.id})
	if err != nil {
		k.Fatal(err)
	}
	return out
}

// rotations lists the rotations of the key in pages of two.
func (k *stateTest) rotations() (list []types.RotationsListEntry) {
	k.Helper()
	for pages := awskms.NewListKeyRotationsPaginator(k.client, &awskms.ListKeyRotationsInput{
		KeyId: k.id,
		Limit: aws.Int32(2),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(k.Context())
		if err != nil {
			k.Fatal(err)
		}
		list = append(list, page.Rotations...)
	}
	return list
}

func (k *stateTest) enableRotation(days *int32) error {
	_, err := k.client.EnableKeyRotation(k.Context(), &awskms.EnableKeyRotationInput{
		KeyId:                k.id,
		RotationPeriodInDays: days,
	})
	return err
}

func TestRotationPeriod(t *testing.T) {
	const day = 24 * time.Hour
	k := newStateTest(t)
	for _, c := range []struct {
		days *int32
		want int32
	}{{aws.Int32(90), 90}, {nil, 365}, {aws.Int32(2560), 2560}} {
		if err := k.enableRotation(c.days); err != nil {
			t.Fatal(err)
		}
		k.restart()
		out := k.rotationStatus()
		if !out.KeyRotationEnabled || aws.ToInt32(out.RotationPeriodInDays) != c.want {
			t.Fatalf("got %+v, want rotation every %d days", out, c.want)
		}
		if next, want := time.Until(*out.NextRotationDate), time.Duration(c.want)*day; next > want || next < want-day {
			t.Errorf("the next rotation is in %v, want %v", next, want)
		}
	}
	for _, days := range []int32{89, 2561} {
		wantException(t, k.enableRotation(aws.Int32(days)), "ValidationException", "'rotationPeriodInDays'")
	}
	if _, err := k.client.ScheduleKeyDeletion(t.Context(), &awskms.ScheduleKeyDeletionInput{KeyId: k.id}); err != nil {
		t.Fatal(err)
	}
	if out := k.rotationStatus(); out.KeyRotationEnabled {
		t.Error("a key that awaits its deletion rotates, want it not to")
	}
	if _, err := k.client.CancelKeyDeletion(t.Context(), &awskms.CancelKeyDeletionInput{KeyId: k.id}); err != nil {
		t.Fatal(err)
	}
	if out := k.rotationStatus(); aws.ToInt32(out.RotationPeriodInDays) != 2560 {
		t.Errorf("after CancelKeyDeletion: got %+v, want the old period", out)
	}
}

func TestRotateOnDemand(t *testing.T) {
	k := newStateTest(t)
	rotate := func(ctx context.Context) error {
		_, err := k.client.RotateKeyOnDemand(ctx, &awskms.RotateKeyOnDemandInput{KeyId: k.id})
		return err
	}
	if list := k.rotations(); len(list) != 0 {
		t.Errorf("a new key has the rotations %+v, want none", list)
	}
	for range 25 {
		if err := rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantException(t, rotate(t.Context()), "LimitExceededException", "25")
	k.restart()
	list := k.rotations()
	if len(list) != 25 {
		t.Fatalf("got %d rotations, want 25", len(list))
	}
	for _, r := range list {
		if r.RotationType != types.RotationTypeOnDemand || *r.KeyId != keyARN ||
			time.Since(*r.RotationDate) > time.Hour {
			t.Errorf("got the rotation %+v, want one on demand of now", r)
		}
	}
	if out := k.rotationStatus(); out.KeyRotationEnabled {
		t.Error("a rotation on demand has enabled automatic rotation")
	}
	opened, err := k.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: k.sealed})
	if err != nil || string(opened.Plaintext) != "x" {
		t.Errorf("Decrypt of what was encrypted before: got %v, want the plaintext", err)
	}
	if _, err := k.client.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: k.id}); err != nil {
		t.Fatal(err)
	}
	wantException(t, rotate(t.Context()), "DisabledException", keyARN)
}

// The rotations that became due since rotation was enabled are listed, and the
// next one follows the last.
func TestAutomaticRotations(t *testing.T) {
	dir := t.TempDir()
	_, s := start(t, dir)
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Rotates: true, RotationDays: 100}); err != nil {
		t.Fatal(err)
	}
	since := time.Now().UTC().AddDate(0, 0, -250).Truncate(time.Second)
	text := `{"version": 1, "states": {"` + keyID + `": {"rotates": true, "rotationDays": 100, "rotatesSince": "` +
		since.Format(time.RFC3339) + `"}}}`
	if err := os.WriteFile(filepath.Join(dir, "states.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &stateTest{T: t, dir: dir, id: aws.String(keyID)}
	k.restart()
	for range 2 { // the second time after a change, which stores them
		list := k.rotations()
		if len(list) != 2 || !list[0].RotationDate.Equal(since.AddDate(0, 0, 100)) ||
			!list[1].RotationDate.Equal(since.AddDate(0, 0, 200)) ||
			list[0].RotationType != types.RotationTypeAutomatic {
			t.Errorf("got the rotations %+v, want automatic ones 100 and 200 days after %v", list, since)
		}
		if out := k.rotationStatus(); !out.NextRotationDate.Equal(since.AddDate(0, 0, 300)) {
			t.Errorf("the next rotation is on %v, want 300 days after %v", out.NextRotationDate, since)
		}
		if _, err := k.client.TagResource(t.Context(), &awskms.TagResourceInput{
			KeyId: k.id,
			Tags:  []types.Tag{tagOf("a", "b")},
		}); err != nil {
			t.Fatal(err)
		}
	}
}
