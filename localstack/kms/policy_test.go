package kms_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/sotto-chat/sotto/localstack/kms"
)

// policyFor returns a key policy with an id.
func policyFor(id string) string {
	return `{"Version": "2012-10-17", "Id": "` + id + `", "Statement": {"Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}}`
}

func policyOf(t *testing.T, client *awskms.Client, keyID *string) string {
	t.Helper()
	out, err := client.GetKeyPolicy(t.Context(), &awskms.GetKeyPolicyInput{KeyId: keyID})
	if err != nil {
		t.Fatal(err)
	}
	if *out.PolicyName != "default" {
		t.Errorf("got the policy name %s, want default", *out.PolicyName)
	}
	return *out.Policy
}

func TestKeyPolicies(t *testing.T) {
	dir := t.TempDir()
	client, s := start(t, dir)
	if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
		t.Fatal(err)
	}
	id := aws.String(keyID)
	if got := policyOf(t, client, id); !strings.Contains(got, `"arn:aws:iam::000000000000:root"`) ||
		!strings.Contains(got, `"kms:*"`) {
		t.Errorf("got %s, want the default policy, which names the account", got)
	}
	names, err := client.ListKeyPolicies(t.Context(), &awskms.ListKeyPoliciesInput{KeyId: id})
	if err != nil || len(names.PolicyNames) != 1 || names.PolicyNames[0] != "default" || names.Truncated {
		t.Errorf("ListKeyPolicies: got %+v, %v, want default alone", names, err)
	}
	if _, err := client.PutKeyPolicy(t.Context(), &awskms.PutKeyPolicyInput{
		KeyId:      id,
		PolicyName: aws.String("default"),
		Policy:     aws.String(policyFor("put")),
	}); err != nil {
		t.Fatal(err)
	}
	made, err := client.CreateKey(t.Context(), &awskms.CreateKeyInput{Policy: aws.String(policyFor("created"))})
	if err != nil {
		t.Fatal(err)
	}
	client, _ = start(t, dir) // after a restart
	if got := policyOf(t, client, id); got != policyFor("put") {
		t.Errorf("after PutKeyPolicy and a restart: got %s, want %s", got, policyFor("put"))
	}
	if got := policyOf(t, client, made.KeyMetadata.Arn); got != policyFor("created") {
		t.Errorf("after CreateKey and a restart: got %s, want %s", got, policyFor("created"))
	}
	_, err = client.GetKeyPolicy(t.Context(), &awskms.GetKeyPolicyInput{KeyId: id, PolicyName: aws.String("other")})
	wantException(t, err, "NotFoundException", "No such policy exists")
}

func TestRefusedPolicies(t *testing.T) {
	client, s := start(t, t.TempDir())
	if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
		t.Fatal(err)
	}
	const malformed = "MalformedPolicyDocumentException"
	for name, c := range map[string]struct{ policy, exception, text string }{
		"no JSON":        {"Allow everything", malformed, "JSON"},
		"a list":         {"[]", malformed, "JSON"},
		"no statement":   {`{"Version": "2012-10-17"}`, malformed, "Statement"},
		"an odd version": {strings.Replace(policyFor(""), "2012", "2013", 1), malformed, "Version"},
		"no effect":      {strings.Replace(policyFor(""), `"Allow"`, `"allow"`, 1), malformed, "Effect"},
		"no principal":   {strings.Replace(policyFor(""), "Principal", "Principle", 1), malformed, "Principal"},
		"no action":      {strings.Replace(policyFor(""), "Action", "Act", 1), malformed, "Action"},
		"no resource":    {strings.Replace(policyFor(""), "Resource", "Res", 1), malformed, "Resource"},
		"a lockout": {strings.Replace(policyFor(""), "kms:*", "kms:Encrypt", 1), malformed,
			"update the key policy"},
		"33 KB": {policyFor(strings.Repeat("x", 33<<10)), "LimitExceededException", "32768"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.PutKeyPolicy(t.Context(), &awskms.PutKeyPolicyInput{
				KeyId:  aws.String(keyID),
				Policy: &c.policy,
			})
			wantException(t, err, c.exception, c.text)
			_, err = client.CreateKey(t.Context(), &awskms.CreateKeyInput{Policy: &c.policy})
			wantException(t, err, c.exception, c.text)
		})
	}
	lockout := strings.Replace(policyFor(""), "kms:*", "kms:Encrypt", 1)
	if _, err := client.PutKeyPolicy(t.Context(), &awskms.PutKeyPolicyInput{
		KeyId:                          aws.String(keyID),
		Policy:                         &lockout,
		BypassPolicyLockoutSafetyCheck: true,
	}); err != nil {
		t.Errorf("a lockout without the check: got %v, want no error", err)
	}
}

func TestPolicyErrorOfTheOptions(t *testing.T) {
	client, _ := serveKeys(t, kms.Options{
		Dir:         t.TempDir(),
		PolicyError: func(string) error { return errors.New("an unknown operator") },
	})
	_, err := client.CreateKey(t.Context(), &awskms.CreateKeyInput{Policy: aws.String(policyFor(""))})
	wantException(t, err, "MalformedPolicyDocumentException", "an unknown operator")
}

func TestUpdateKeyDescription(t *testing.T) {
	k := newStateTest(t)
	if _, err := k.client.UpdateKeyDescription(t.Context(), &awskms.UpdateKeyDescriptionInput{
		KeyId:       k.id,
		Description: aws.String("of the chat"),
	}); err != nil {
		t.Fatal(err)
	}
	k.restart()
	if m := k.described(); *m.Description != "of the chat" {
		t.Errorf("got the description %q, want %q", *m.Description, "of the chat")
	}
	_, err := k.client.UpdateKeyDescription(t.Context(), &awskms.UpdateKeyDescriptionInput{
		KeyId:       k.id,
		Description: aws.String(strings.Repeat("x", 8193)),
	})
	wantException(t, err, "ValidationException", "8192")
}

// The operations that change a key which awaits its deletion are refused (KMS
// developer guide, "Key states of AWS KMS keys").
func TestChangesOfAKeyThatAwaitsDeletion(t *testing.T) {
	k := newStateTest(t)
	if _, err := k.client.ScheduleKeyDeletion(t.Context(), &awskms.ScheduleKeyDeletionInput{KeyId: k.id}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"TagResource": func() error {
			_, err := k.client.TagResource(t.Context(), &awskms.TagResourceInput{
				KeyId: k.id,
				Tags:  []types.Tag{tagOf("a", "b")},
			})
			return err
		},
		"UntagResource": func() error {
			_, err := k.client.UntagResource(t.Context(), &awskms.UntagResourceInput{
				KeyId:   k.id,
				TagKeys: []string{"a"},
			})
			return err
		},
		"UpdateKeyDescription": func() error {
			_, err := k.client.UpdateKeyDescription(t.Context(), &awskms.UpdateKeyDescriptionInput{
				KeyId:       k.id,
				Description: aws.String("x"),
			})
			return err
		},
		"CreateAlias": func() error {
			_, err := k.client.CreateAlias(t.Context(), &awskms.CreateAliasInput{
				AliasName:   aws.String("alias/late"),
				TargetKeyId: k.id,
			})
			return err
		},
		"RotateKeyOnDemand": func() error {
			_, err := k.client.RotateKeyOnDemand(t.Context(), &awskms.RotateKeyOnDemandInput{KeyId: k.id})
			return err
		},
		"DisableKey": func() error {
			_, err := k.client.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: k.id})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantException(t, call(), "KMSInvalidStateException", "is pending deletion") })
	}
	if _, err := k.client.GetKeyPolicy(t.Context(), &awskms.GetKeyPolicyInput{KeyId: k.id}); err != nil {
		t.Errorf("GetKeyPolicy: got %v, want no error in any state", err)
	}
}
