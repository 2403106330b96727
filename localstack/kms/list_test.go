package kms_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// createAliases creates five keys with an alias each, and returns the key ids
// by alias.
func createAliases(t *testing.T, client *awskms.Client) map[string]string {
	t.Helper()
	want := map[string]string{}
	for i := range 5 {
		made, err := client.CreateKey(t.Context(), &awskms.CreateKeyInput{Description: aws.String("a test")})
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("alias/k%d", i)
		want[name] = *made.KeyMetadata.KeyId
		if _, err := client.CreateAlias(t.Context(), &awskms.CreateAliasInput{
			AliasName:   &name,
			TargetKeyId: made.KeyMetadata.Arn,
		}); err != nil {
			t.Fatal(err)
		}
		described, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &name})
		if err != nil {
			t.Fatal(err)
		}
		m := described.KeyMetadata
		if *m.KeyId != want[name] || !m.Enabled || m.KeySpec != types.KeySpecSymmetricDefault ||
			m.CreationDate.IsZero() || *m.Description != "a test" {
			t.Errorf("DescribeKey of %s: got %+v, want the enabled symmetric key %s", name, m, want[name])
		}
	}
	return want
}

func TestListKeysAndAliasesInPages(t *testing.T) {
	client, _ := start(t, t.TempDir())
	want := createAliases(t, client)
	keys := map[string]bool{}
	for pages := awskms.NewListKeysPaginator(client,
		&awskms.ListKeysInput{Limit: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page.Keys {
			keys[*k.KeyId] = true
		}
	}
	aliases := map[string]string{}
	for pages := awskms.NewListAliasesPaginator(client,
		&awskms.ListAliasesInput{Limit: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Aliases {
			aliases[*a.AliasName] = *a.TargetKeyId
		}
	}
	if len(keys) != 5 || len(aliases) != 5 {
		t.Errorf("got %d keys and %d aliases, want 5 of each", len(keys), len(aliases))
	}
	for name, id := range want {
		if aliases[name] != id || !keys[id] {
			t.Errorf("%s → %s is not listed", name, id)
		}
	}
	one, err := client.ListAliases(t.Context(), &awskms.ListAliasesInput{KeyId: aws.String("alias/k3")})
	if err != nil || len(one.Aliases) != 1 || *one.Aliases[0].AliasName != "alias/k3" {
		t.Errorf("ListAliases of one key: got %+v, %v, want alias/k3 alone", one, err)
	}
}
