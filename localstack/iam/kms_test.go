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
	"github.com/sotto-chat/sotto/localstack/kms"
)

const (
	masterID  = "1234abcd-12ab-34cd-56ef-1234567890ab"
	otherID   = "5678abcd-12ab-34cd-56ef-1234567890ab"
	masterARN = "arn:aws:kms:" + region + ":" + account + ":key/" + masterID
)

type keyring struct {
	guard             *iam.Guard
	function, outside *awskms.Client
	log               *log
	sealed            []byte // under the master key, in the context purpose=test
}

func startKeys(t *testing.T) *keyring {
	t.Helper()
	service, err := kms.Open(kms.Options{Dir: t.TempDir(), Account: account, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	master := kms.KeyOptions{ID: masterID, Aliases: []string{"alias/master"}}
	if err := errors.Join(service.Ensure(master), service.Ensure(kms.KeyOptions{ID: otherID})); err != nil {
		t.Fatal(err)
	}
	k := &keyring{log: &log{}}
	k.guard = newGuard(t, iam.Options{
		Log: k.log.logger(),
		Key: func(keyID string, ciphertext []byte) (iam.Key, bool) {
			i, ok := service.Lookup(keyID, ciphertext)
			return iam.Key{
				ARN:         i.ARN,
				Aliases:     i.Aliases,
				Spec:        i.Spec,
				Usage:       i.Usage,
				Origin:      i.Origin,
				MultiRegion: i.MultiRegion,
			}, ok
		},
	})
	url := serve(t, k.guard.KMS(service))
	client := func(name string) *awskms.Client {
		return awskms.New(awskms.Options{BaseEndpoint: &url, Region: region, Credentials: signedBy(name)})
	}
	k.function, k.outside = client(function), client("developer")
	out, err := k.outside.Encrypt(t.Context(), &awskms.EncryptInput{
		KeyId:             aws.String(masterID),
		Plaintext:         []byte("x"),
		EncryptionContext: purpose("test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	k.sealed = out.CiphertextBlob
	return k
}

func purpose(of string) map[string]string { return map[string]string{"purpose": of} }

func (k *keyring) grant(t *testing.T, policy []iam.Statement, statements ...iam.Statement) {
	t.Helper()
	if err := k.guard.Update(map[string]iam.Role{function: role(statements...)},
		map[string][]iam.Statement{masterARN: policy}); err != nil {
		t.Fatal(err)
	}
}

func TestKMSNeedsThePermissionsOfAWS(t *testing.T) {
	k := startKeys(t)
	encrypt := func(id string) func(context.Context, *awskms.Client) error {
		return func(ctx context.Context, c *awskms.Client) error {
			_, err := c.Encrypt(ctx, &awskms.EncryptInput{KeyId: &id, Plaintext: []byte("x")})
			return err
		}
	}
	for _, c := range []struct {
		name, action, resource string
		call                   func(context.Context, *awskms.Client) error
	}{
		{"Encrypt by id", "kms:Encrypt", masterARN, encrypt(masterID)},
		{"Encrypt by alias", "kms:Encrypt", masterARN, encrypt("alias/master")},
		{"Decrypt without a key id", "kms:Decrypt", masterARN, func(ctx context.Context, c *awskms.Client) error {
			_, err := c.Decrypt(ctx, &awskms.DecryptInput{CiphertextBlob: k.sealed, EncryptionContext: purpose("test")})
			return err
		}},
		{"GenerateDataKey", "kms:GenerateDataKey", masterARN, func(ctx context.Context, c *awskms.Client) error {
			_, err := c.GenerateDataKey(ctx, &awskms.GenerateDataKeyInput{
				KeyId:   aws.String("alias/master"),
				KeySpec: types.DataKeySpecAes256,
			})
			return err
		}},
		{"DescribeKey", "kms:DescribeKey", masterARN, func(ctx context.Context, c *awskms.Client) error {
			_, err := c.DescribeKey(ctx, &awskms.DescribeKeyInput{KeyId: aws.String(masterARN)})
			return err
		}},
		{"ListKeys", "kms:ListKeys", "*", func(ctx context.Context, c *awskms.Client) error {
			_, err := c.ListKeys(ctx, &awskms.ListKeysInput{})
			return err
		}},
		{"CreateKey", "kms:CreateKey", "*", func(ctx context.Context, c *awskms.Client) error {
			_, err := c.CreateKey(ctx, &awskms.CreateKeyInput{})
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k.grant(t, nil)
			wantDenied(t, c.call(t.Context(), k.function), k.log, c.action, c.resource)
			k.grant(t, nil, statement("Allow", c.action, c.resource, nil))
			err := c.call(t.Context(), k.function)
			wantServed(t, err, k.log)
			if err != nil {
				t.Error(err)
			}
			k.grant(t, nil)
			wantServed(t, c.call(t.Context(), k.outside), k.log)
		})
	}
	t.Run("CreateAlias needs both", func(t *testing.T) {
		call := func() error {
			_, err := k.function.CreateAlias(t.Context(), &awskms.CreateAliasInput{
				AliasName:   aws.String("alias/new"),
				TargetKeyId: aws.String(masterID),
			})
			return err
		}
		alias := "arn:aws:kms:" + region + ":" + account + ":alias/new"
		k.grant(t, nil, statement("Allow", "kms:CreateAlias", masterARN, nil))
		if err := call(); !strings.Contains(err.Error(), "on resource: "+alias) {
			t.Error(err)
		}
		k.grant(t, nil, statement("Allow", "kms:CreateAlias", alias, nil))
		if err := call(); !strings.Contains(err.Error(), "on resource: "+masterARN) {
			t.Error(err)
		}
		k.grant(t, nil, statement("Allow", "kms:CreateAlias", alias+" "+masterARN, nil))
		if err := call(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a key that does not exist", func(t *testing.T) {
		k.grant(t, nil)
		var none *types.NotFoundException
		if err := encrypt("alias/none")(t.Context(), k.function); !errors.As(err, &none) {
			t.Errorf("got %v, want NotFoundException", err)
		}
	})
}

// The conditions are those of the KMS developer guide, "Condition keys for AWS
// KMS".
func TestKMSConditions(t *testing.T) {
	k := startKeys(t)
	for _, c := range []struct {
		name  string
		where conditions
		id    string
		with  map[string]string
		want  bool
	}{
		{"encryption context", conditions{"StringEquals": {"kms:EncryptionContext:purpose": {"a", "b"}}},
			masterID, purpose("b"), true},
		{"another context", conditions{"StringEquals": {"kms:EncryptionContext:purpose": {"a", "b"}}},
			masterID, purpose("c"), false},
		{"no context", conditions{"StringEquals": {"kms:EncryptionContext:purpose": {"a"}}}, masterID, nil, false},
		{"values count in their case", conditions{"StringEquals": {"kms:EncryptionContext:Purpose": {"A"}}}, masterID, purpose("a"), false},
		{"context keys", conditions{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": {"purpose"}}}, masterID, purpose("a"), true},
		{"too many context keys", conditions{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": {"purpose"}}}, masterID, map[string]string{"purpose": "a", "more": "b"}, false},
		{"there must be a context", conditions{"Null": {"kms:EncryptionContextKeys": {"false"}}}, masterID, nil, false},
		{"by alias", conditions{"StringLike": {"kms:RequestAlias": {"alias/mas*"}}}, "alias/master", nil, true},
		{"not by alias", conditions{"StringLike": {"kms:RequestAlias": {"alias/mas*"}}}, masterID, nil, false},
		{"a key with an alias", conditions{"ForAnyValue:StringEquals": {"kms:ResourceAliases": {"alias/master"}}}, masterID, nil, true},
		{"a key without", conditions{"ForAnyValue:StringEquals": {"kms:ResourceAliases": {"alias/master"}}}, otherID, nil, false},
		{"key spec", conditions{"StringEquals": {"kms:KeySpec": {"SYMMETRIC_DEFAULT"},
			"kms:KeyUsage": {"ENCRYPT_DECRYPT"}, "kms:KeyOrigin": {"AWS_KMS"}}}, masterID, nil, true},
		{"algorithm", conditions{"StringEquals": {"kms:EncryptionAlgorithm": {"SYMMETRIC_DEFAULT"}}},
			masterID, nil, true},
		{"account", conditions{"StringEquals": {"kms:CallerAccount": {account}}}, masterID, nil, true},
		{"never through a service", conditions{"StringEquals": {"kms:ViaService": {"s3." + region +
			".amazonaws.com"}}}, masterID, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k.grant(t, nil, statement("Allow", "kms:Encrypt", "*", c.where))
			_, err := k.function.Encrypt(t.Context(), &awskms.EncryptInput{
				KeyId:             &c.id,
				Plaintext:         []byte("x"),
				EncryptionContext: c.with,
			})
			var api smithy.APIError
			if refused := errors.As(err, &api) &&
				api.ErrorCode() == "AccessDeniedException"; refused == c.want || c.want != (err == nil) {
				t.Errorf("got %v, want it served: %t", err, c.want)
			}
		})
	}
}

func TestKeyPolicyOverTheWire(t *testing.T) {
	k := startKeys(t)
	k.grant(t, []iam.Statement{{
		Effect:    "Allow",
		Action:    []string{"kms:*"},
		Resource:  []string{"*"},
		Principal: map[string][]string{"AWS": {"arn:aws:iam::" + account + ":role/admin"}},
	}},
		statement("Allow", "kms:*", "*", nil))
	_, err := k.function.Decrypt(t.Context(), &awskms.DecryptInput{
		CiphertextBlob:    k.sealed,
		EncryptionContext: purpose("test"),
	})
	if err == nil || !strings.Contains(err.Error(),
		"AccessDeniedException: User: "+session+" is not authorized to perform: kms:Decrypt on resource: "+
			masterARN+" because no resource-based policy allows the kms:Decrypt action") {
		t.Errorf("got %v", err)
	}
	if lines := k.log.lines(); len(lines) != 1 ||
		!strings.Contains(lines[0], "let the key's policy allow kms:Decrypt") {
		t.Errorf("in the log: %q", lines)
	}
}
