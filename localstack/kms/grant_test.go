package kms_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/sotto-chat/sotto/localstack/kms"
)

const (
	grantee  = "arn:aws:iam::000000000000:role/reader"
	retiring = "arn:aws:iam::000000000000:role/keeper"
)

// grants lists the grants of a key in pages of two.
func (k *stateTest) grants() (list []types.GrantListEntry) {
	k.Helper()
	for pages := awskms.NewListGrantsPaginator(k.client, &awskms.ListGrantsInput{
		KeyId: k.id,
		Limit: aws.Int32(2),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(k.Context())
		if err != nil {
			k.Fatal(err)
		}
		list = append(list, page.Grants...)
	}
	return list
}

func (k *stateTest) createGrant(in awskms.CreateGrantInput) *awskms.CreateGrantOutput {
	k.Helper()
	in.KeyId = k.id
	out, err := k.client.CreateGrant(k.Context(), &in)
	if err != nil {
		k.Fatal(err)
	}
	return out
}

func TestGrants(t *testing.T) {
	k := newStateTest(t)
	named := awskms.CreateGrantInput{
		Name:              aws.String("read"),
		GranteePrincipal:  aws.String(grantee),
		RetiringPrincipal: aws.String(retiring),
		Operations:        []types.GrantOperation{types.GrantOperationDecrypt, types.GrantOperationDescribeKey},
		Constraints:       &types.GrantConstraints{EncryptionContextSubset: map[string]string{"room": "lobby"}},
	}
	first := k.createGrant(named)
	if again := k.createGrant(named); *again.GrantId != *first.GrantId || len(*first.GrantId) != 64 {
		t.Errorf("the same named grant again: got the id %s, want %s", *again.GrantId, *first.GrantId)
	}
	unnamed := awskms.CreateGrantInput{
		GranteePrincipal: aws.String(grantee),
		Operations:       []types.GrantOperation{types.GrantOperationEncrypt},
	}
	second, third := k.createGrant(unnamed), k.createGrant(unnamed)
	if *second.GrantId == *third.GrantId {
		t.Error("two grants without a name have one id")
	}
	k.restart()
	list := k.grants()
	if len(list) != 3 {
		t.Fatalf("got %d grants, want 3", len(list))
	}
	for _, g := range list {
		if *g.GrantId == *first.GrantId && (*g.Name != "read" || *g.GranteePrincipal != grantee ||
			*g.RetiringPrincipal != retiring || len(g.Operations) != 2 || *g.KeyId != keyARN ||
			g.Constraints.EncryptionContextSubset["room"] != "lobby" || g.CreationDate.IsZero()) {
			t.Errorf("got the grant %+v, want all that CreateGrant gave", g)
		}
	}
	retirable, err := k.client.ListRetirableGrants(t.Context(), &awskms.ListRetirableGrantsInput{
		RetiringPrincipal: aws.String(retiring),
	})
	if err != nil || len(retirable.Grants) != 1 || *retirable.Grants[0].GrantId != *first.GrantId {
		t.Errorf("ListRetirableGrants: got %+v, %v, want the grant with a retiring principal", retirable, err)
	}
	one, err := k.client.ListGrants(t.Context(), &awskms.ListGrantsInput{KeyId: k.id, GrantId: second.GrantId})
	if err != nil || len(one.Grants) != 1 || *one.Grants[0].GrantId != *second.GrantId {
		t.Errorf("ListGrants of one id: got %+v, %v, want that one", one, err)
	}
	k.removeGrants(first, second, third)
	k.restart()
	if list := k.grants(); len(list) != 0 {
		t.Errorf("got the grants %+v, want none", list)
	}
}

// removeGrants retires the first grant by its token, the second by its id, and
// revokes the third.
func (k *stateTest) removeGrants(first, second, third *awskms.CreateGrantOutput) {
	k.Helper()
	for range 2 {
		_, err := k.client.RevokeGrant(k.Context(), &awskms.RevokeGrantInput{
			KeyId:   k.id,
			GrantId: third.GrantId,
			DryRun:  aws.Bool(true),
		})
		wantException(k.T, err, "DryRunOperationException", "")
	}
	if _, err := k.client.RetireGrant(k.Context(), &awskms.RetireGrantInput{GrantToken: first.GrantToken}); err != nil {
		k.Error(err)
	}
	if _, err := k.client.RetireGrant(k.Context(), &awskms.RetireGrantInput{
		KeyId:   aws.String(keyARN),
		GrantId: second.GrantId,
	}); err != nil {
		k.Error(err)
	}
	revoke := &awskms.RevokeGrantInput{KeyId: k.id, GrantId: third.GrantId}
	if _, err := k.client.RevokeGrant(k.Context(), revoke); err != nil {
		k.Error(err)
	}
	_, err := k.client.RevokeGrant(k.Context(), revoke)
	wantException(k.T, err, "NotFoundException", *third.GrantId)
	_, err = k.client.RetireGrant(k.Context(), &awskms.RetireGrantInput{GrantToken: first.GrantToken})
	wantException(k.T, err, "NotFoundException", *first.GrantId)
}

func TestRefusedGrants(t *testing.T) {
	client, s := start(t, t.TempDir())
	if err := s.Ensure(kms.KeyOptions{ID: keyID}); err != nil {
		t.Fatal(err)
	}
	mac := ensure(t, s, "HMAC_256", "GENERATE_VERIFY_MAC")
	create := func(keyID *string, alter func(*awskms.CreateGrantInput)) func(context.Context) error {
		in := &awskms.CreateGrantInput{
			KeyId:            keyID,
			GranteePrincipal: aws.String(grantee),
			Operations:       []types.GrantOperation{types.GrantOperationDescribeKey},
		}
		alter(in)
		return func(ctx context.Context) error {
			_, err := client.CreateGrant(ctx, in)
			return err
		}
	}
	retire := func(in awskms.RetireGrantInput) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.RetireGrant(ctx, &in)
			return err
		}
	}
	id, none := aws.String(keyID), aws.String(strings.Repeat("0", 64))
	for name, c := range map[string]struct {
		call            func(context.Context) error
		exception, text string
	}{
		"no operation": {create(id, func(in *awskms.CreateGrantInput) { in.Operations = []types.GrantOperation{} }),
			"ValidationException", "operations"},
		"an unknown operation": {create(id, func(in *awskms.CreateGrantInput) {
			in.Operations = []types.GrantOperation{"PutKeyPolicy"}
		}), "ValidationException", "enum value set"},
		"an operation of another usage": {create(mac, func(in *awskms.CreateGrantInput) {
			in.Operations = []types.GrantOperation{types.GrantOperationEncrypt}
		}), "ValidationException", "Encrypt"},
		"constraints of an HMAC key": {create(mac, func(in *awskms.CreateGrantInput) {
			in.Constraints = &types.GrantConstraints{EncryptionContextEquals: map[string]string{"a": "b"}}
		}), "ValidationException", "symmetric"},
		"no ARN": {create(id, func(in *awskms.CreateGrantInput) { in.GranteePrincipal = aws.String("ada") }),
			"InvalidArnException", "ada"},
		"an odd name": {create(id, func(in *awskms.CreateGrantInput) { in.Name = aws.String("a b") }),
			"ValidationException", "name"},
		"a dry run": {create(id, func(in *awskms.CreateGrantInput) { in.DryRun = aws.Bool(true) }),
			"DryRunOperationException", ""},
		"an invalid token": {retire(awskms.RetireGrantInput{GrantToken: aws.String("x")}),
			"InvalidGrantTokenException", ""},
		"neither token nor id": {retire(awskms.RetireGrantInput{}), "ValidationException", "grant token"},
		"a key id and no ARN": {retire(awskms.RetireGrantInput{KeyId: id, GrantId: none}),
			"InvalidArnException", keyID},
	} {
		t.Run(name, func(t *testing.T) { wantException(t, c.call(t.Context()), c.exception, c.text) })
	}
	if _, err := client.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	err := create(id, func(*awskms.CreateGrantInput) {})(t.Context())
	wantException(t, err, "DisabledException", keyARN)
}
