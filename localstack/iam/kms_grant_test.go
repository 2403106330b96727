package iam_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/sotto-chat/sotto/localstack/iam"
)

// decrypt decrypts as the function what was encrypted with the context
// purpose=test.
func (k *keyring) decrypt(ctx context.Context) error {
	_, err := k.function.Decrypt(ctx, &awskms.DecryptInput{
		CiphertextBlob:    k.sealed,
		EncryptionContext: purpose("test"),
	})
	return err
}

// createGrant creates a grant on the master key from outside.
func (k *keyring) createGrant(t *testing.T, in awskms.CreateGrantInput) *awskms.CreateGrantOutput {
	t.Helper()
	in.KeyId = aws.String(masterID)
	out, err := k.outside.CreateGrant(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wantRefused checks that err is AccessDeniedException with a text, and takes
// the lines of the log.
func wantRefused(t *testing.T, err error, l *log, text string) {
	t.Helper()
	l.lines()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != "AccessDeniedException" || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("got %v, want AccessDeniedException with %q", err, text)
	}
}

func TestGrantAllows(t *testing.T) {
	for _, c := range []struct {
		name        string
		grantee     string
		operations  []types.GrantOperation
		constraints *types.GrantConstraints
		statements  []iam.Statement
		want        bool
	}{
		{"the role", roleARN, []types.GrantOperation{types.GrantOperationDecrypt}, nil, nil, true},
		{"another role", roleARN + "2", []types.GrantOperation{types.GrantOperationDecrypt}, nil, nil, false},
		{"another operation", roleARN, []types.GrantOperation{types.GrantOperationEncrypt}, nil, nil, false},
		{"a subset of the context", roleARN, []types.GrantOperation{types.GrantOperationDecrypt},
			&types.GrantConstraints{EncryptionContextSubset: purpose("test")}, nil, true},
		{"another context", roleARN, []types.GrantOperation{types.GrantOperationDecrypt},
			&types.GrantConstraints{EncryptionContextSubset: purpose("other")}, nil, false},
		{"the whole context", roleARN, []types.GrantOperation{types.GrantOperationDecrypt},
			&types.GrantConstraints{EncryptionContextEquals: purpose("test")}, nil, true},
		{"more than the context", roleARN, []types.GrantOperation{types.GrantOperationDecrypt},
			&types.GrantConstraints{EncryptionContextEquals: map[string]string{"purpose": "test",
				"a": "b"}}, nil, false},
		{"a denial", roleARN, []types.GrantOperation{types.GrantOperationDecrypt}, nil,
			[]iam.Statement{statement("Deny", "kms:Decrypt", masterARN, nil)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := startKeys(t)
			k.grant(t, nil, c.statements...)
			wantRefused(t, k.decrypt(t.Context()), k.log, "kms:Decrypt")
			made := k.createGrant(t, awskms.CreateGrantInput{
				GranteePrincipal: &c.grantee,
				Operations:       c.operations,
				Constraints:      c.constraints,
			})
			if !c.want {
				wantRefused(t, k.decrypt(t.Context()), k.log, "kms:Decrypt")
				return
			}
			wantServed(t, k.decrypt(t.Context()), k.log)
			if _, err := k.outside.RevokeGrant(t.Context(), &awskms.RevokeGrantInput{
				KeyId:   aws.String(masterID),
				GrantId: made.GrantId,
			}); err != nil {
				t.Fatal(err)
			}
			wantDenied(t, k.decrypt(t.Context()), k.log, "kms:Decrypt", masterARN)
		})
	}
}

func TestRetiringPrincipalRetires(t *testing.T) {
	k := startKeys(t)
	k.grant(t, nil)
	for retiring, want := range map[string]bool{roleARN: true, roleARN + "2": false} {
		made := k.createGrant(t, awskms.CreateGrantInput{
			GranteePrincipal:  aws.String(roleARN + "3"),
			RetiringPrincipal: &retiring,
			Operations:        []types.GrantOperation{types.GrantOperationDecrypt},
		})
		_, err := k.function.RetireGrant(t.Context(), &awskms.RetireGrantInput{
			KeyId:   aws.String(masterARN),
			GrantId: made.GrantId,
		})
		if want {
			wantServed(t, err, k.log)
		} else {
			wantDenied(t, err, k.log, "kms:RetireGrant", masterARN)
		}
	}
}

// PutKeyPolicy replaces the policy of the template.
func TestPutKeyPolicyDecides(t *testing.T) {
	k := startKeys(t)
	all := statement("Allow", "kms:Decrypt", masterARN, nil)
	k.grant(t, nil, all)
	wantServed(t, k.decrypt(t.Context()), k.log)
	put := func(principal string) {
		t.Helper()
		if _, err := k.outside.PutKeyPolicy(t.Context(), &awskms.PutKeyPolicyInput{
			KeyId: aws.String(masterID),
			Policy: aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "` +
				principal + `"}, "Action": ["kms:PutKeyPolicy", "kms:Decrypt"], "Resource": "*",
				"Condition": {"StringEquals": {"kms:EncryptionContext:purpose": "test"}}}]}`),
		}); err != nil {
			t.Fatal(err)
		}
	}
	put(roleARN + "2") // neither names the role nor delegates to IAM
	wantRefused(t, k.decrypt(t.Context()), k.log, "no resource-based policy allows the kms:Decrypt action")
	put("arn:aws:iam::" + account + ":root")
	wantServed(t, k.decrypt(t.Context()), k.log)
	put(roleARN)
	k.grant(t, nil)
	wantServed(t, k.decrypt(t.Context()), k.log)
}

func TestKMSTagConditions(t *testing.T) {
	k := startKeys(t)
	if _, err := k.outside.TagResource(t.Context(), &awskms.TagResourceInput{
		KeyId: aws.String(masterID),
		Tags:  []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("chat")}},
	}); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{"chat": true, "other": false} {
		k.grant(t, nil, statement("Allow", "kms:Decrypt", masterARN,
			conditions{"StringEquals": {"aws:ResourceTag/team": {value}}}))
		if err := k.decrypt(t.Context()); want {
			wantServed(t, err, k.log)
		} else {
			wantDenied(t, err, k.log, "kms:Decrypt", masterARN)
		}
		k.grant(t, nil, statement("Allow", "kms:TagResource", masterARN,
			conditions{"StringEquals": {"aws:RequestTag/team": {value}}}))
		_, err := k.function.TagResource(t.Context(), &awskms.TagResourceInput{
			KeyId: aws.String(masterID),
			Tags:  []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("chat")}},
		})
		if want {
			wantServed(t, err, k.log)
		} else {
			wantDenied(t, err, k.log, "kms:TagResource", masterARN)
		}
	}
}
