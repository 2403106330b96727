package kms_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/sotto-chat/sotto/localstack/kms"
)

func tagOf(key, value string) types.Tag { return types.Tag{TagKey: &key, TagValue: &value} }

// tagsOf lists the tags of a key in pages of two.
func tagsOf(t *testing.T, client *awskms.Client, keyID *string) map[string]string {
	t.Helper()
	tags := map[string]string{}
	for pages := awskms.NewListResourceTagsPaginator(client, &awskms.ListResourceTagsInput{
		KeyId: keyID,
		Limit: aws.Int32(2),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range page.Tags {
			tags[*tag.TagKey] = *tag.TagValue
		}
	}
	return tags
}

func TestTags(t *testing.T) {
	dir := t.TempDir()
	client, _ := start(t, dir)
	made, err := client.CreateKey(t.Context(), &awskms.CreateKeyInput{
		Tags: []types.Tag{tagOf("team", "chat"), tagOf("stage", "")},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := made.KeyMetadata.KeyId
	if _, err := client.TagResource(t.Context(), &awskms.TagResourceInput{
		KeyId: id,
		Tags:  []types.Tag{tagOf("team", "core"), tagOf("owner", "ada")},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UntagResource(t.Context(), &awskms.UntagResourceInput{
		KeyId:   made.KeyMetadata.Arn,
		TagKeys: []string{"stage", "not there"},
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"team": "core", "owner": "ada"}
	if got := tagsOf(t, client, id); !maps.Equal(got, want) {
		t.Errorf("got the tags %v, want %v", got, want)
	}
	client, _ = start(t, dir) // after a restart
	if got := tagsOf(t, client, id); !maps.Equal(got, want) {
		t.Errorf("after a restart: got the tags %v, want %v", got, want)
	}
}

func TestRefusedTags(t *testing.T) {
	client := startWithKey(t)
	tag := func(tags ...types.Tag) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.TagResource(ctx, &awskms.TagResourceInput{KeyId: aws.String(keyID), Tags: tags})
			return err
		}
	}
	many := make([]types.Tag, 51)
	for i := range many {
		many[i] = tagOf(fmt.Sprint(i), "")
	}
	for name, c := range map[string]struct {
		call            func(context.Context) error
		exception, text string
	}{
		"a tag of AWS":   {tag(tagOf("aws:team", "x")), "TagException", "reserved"},
		"twice":          {tag(tagOf("a", "x"), tagOf("a", "y")), "TagException", "Duplicate"},
		"odd characters": {tag(tagOf("a!", "x")), "TagException", "a!"},
		"a long key":     {tag(tagOf(strings.Repeat("k", 129), "x")), "ValidationException", "128"},
		"a long value":   {tag(tagOf("k", strings.Repeat("v", 257))), "ValidationException", "256"},
		"no key":         {tag(tagOf("", "v")), "ValidationException", "greater than or equal to 1"},
		"51 tags":        {tag(many...), "LimitExceededException", "50"},
		"51 tags of a new key": {func(ctx context.Context) error {
			_, err := client.CreateKey(ctx, &awskms.CreateKeyInput{Tags: many})
			return err
		}, "LimitExceededException", "50"},
		"an alias": {func(ctx context.Context) error {
			_, err := client.ListResourceTags(ctx, &awskms.ListResourceTagsInput{KeyId: aws.String("alias/app")})
			return err
		}, "NotFoundException", "Invalid keyId"},
	} {
		t.Run(name, func(t *testing.T) { wantException(t, c.call(t.Context()), c.exception, c.text) })
	}
}

// A later declaration changes what the template changed and keeps the rest.
func TestDeclaredTagsAndPolicy(t *testing.T) {
	client, s := start(t, t.TempDir())
	id := aws.String(keyID)
	ensure := func(policy string, tags map[string]string) {
		t.Helper()
		if err := s.Ensure(kms.KeyOptions{ID: keyID, Tags: tags, Policy: policy}); err != nil {
			t.Fatal(err)
		}
	}
	ensure("", nil)
	ensure(policyFor("one"), map[string]string{"a": "1", "b": "1"})
	if _, err := client.TagResource(t.Context(), &awskms.TagResourceInput{
		KeyId: id,
		Tags:  []types.Tag{tagOf("b", "2"), tagOf("c", "2")},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutKeyPolicy(t.Context(), &awskms.PutKeyPolicyInput{
		KeyId:  id,
		Policy: aws.String(policyFor("two")),
	}); err != nil {
		t.Fatal(err)
	}
	ensure(policyFor("one"), map[string]string{"a": "1", "b": "1"})
	if got, want := tagsOf(t, client, id), (map[string]string{"a": "1", "b": "2", "c": "2"}); !maps.Equal(got, want) {
		t.Errorf("after the same declaration: got the tags %v, want %v", got, want)
	}
	if info, _ := s.Lookup(keyID, nil); info.Policy != policyFor("two") {
		t.Errorf("after the same declaration: got the policy %s, want the one that was put", info.Policy)
	}
	ensure(policyFor("three"), map[string]string{"b": "3"})
	if got, want := tagsOf(t, client, id), (map[string]string{"b": "3", "c": "2"}); !maps.Equal(got, want) {
		t.Errorf("after another declaration: got the tags %v, want %v", got, want)
	}
	if info, _ := s.Lookup(keyID, nil); info.Policy != "" {
		t.Errorf("after another declaration: got the policy %s, want the declared one", info.Policy)
	}
}
