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

// keyring is a KMS service behind a guard.
type keyring struct {
	guard             *iam.Guard
	function, outside *awskms.Client // outside does not sign as the function
	log               *log
	sealed            []byte // a ciphertext of the master key, with the context purpose=test
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
			var grants []iam.Grant
			for _, g := range i.Grants {
				grants = append(grants, iam.Grant(g))
			}
			return iam.Key{
				ARN:         i.ARN,
				Aliases:     i.Aliases,
				Spec:        i.Spec,
				Usage:       i.Usage,
				Origin:      i.Origin,
				MultiRegion: i.MultiRegion,
				Tags:        i.Tags,
				Policy:      i.Policy,
				Grants:      grants,
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

// purpose returns an encryption context.
func purpose(value string) map[string]string { return map[string]string{"purpose": value} }

// grant gives the function's role these statements and the master key this
// policy.
func (k *keyring) grant(t *testing.T, policy []iam.Statement, statements ...iam.Statement) {
	t.Helper()
	if err := k.guard.Update(map[string]iam.Role{function: role(statements...)},
		map[string][]iam.Statement{masterARN: policy}); err != nil {
		t.Fatal(err)
	}
}

// encrypt returns a call of Encrypt.
func encrypt(id string) func(context.Context, *awskms.Client) error {
	return func(ctx context.Context, c *awskms.Client) error {
		_, err := c.Encrypt(ctx, &awskms.EncryptInput{KeyId: &id, Plaintext: []byte("x")})
		return err
	}
}

func TestKMSNeedsThePermissionsOfAWS(t *testing.T) {
	k := startKeys(t)
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
				t.Errorf("got %v, want success", err)
			}
			k.grant(t, nil)
			wantServed(t, c.call(t.Context(), k.outside), k.log)
		})
	}
}

func TestCreateAliasNeedsAliasAndKey(t *testing.T) {
	k := startKeys(t)
	call := func() error {
		_, err := k.function.CreateAlias(t.Context(), &awskms.CreateAliasInput{
			AliasName:   aws.String("alias/new"),
			TargetKeyId: aws.String(masterID),
		})
		return err
	}
	alias := "arn:aws:kms:" + region + ":" + account + ":alias/new"
	for granted, missing := range map[string]string{masterARN: alias, alias: masterARN} {
		k.grant(t, nil, statement("Allow", "kms:CreateAlias", granted, nil))
		if err := call(); err == nil || !strings.Contains(err.Error(), "on resource: "+missing) {
			t.Errorf("allowed on %s: got %v, want a refusal on %s", granted, err, missing)
		}
	}
	k.grant(t, nil, statement("Allow", "kms:CreateAlias", alias+" "+masterARN, nil))
	if err := call(); err != nil {
		t.Errorf("allowed on both: got %v, want success", err)
	}
}

func TestUnknownKeyIsRefusedByTheService(t *testing.T) {
	k := startKeys(t)
	k.grant(t, nil)
	err := encrypt("alias/none")(t.Context(), k.function)
	if _, ok := errors.AsType[*types.NotFoundException](err); !ok {
		t.Errorf("got %v, want NotFoundException", err)
	}
}

// The conditions are those of the KMS developer guide, "Condition keys for AWS
// KMS".
func TestKMSConditions(t *testing.T) {
	k := startKeys(t)
	onlyPurpose := conditions{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": {"purpose"}}}
	hasAlias := conditions{"ForAnyValue:StringEquals": {"kms:ResourceAliases": {"alias/master"}}}
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
		{"case matters in values", conditions{"StringEquals": {"kms:EncryptionContext:Purpose": {"A"}}},
			masterID, purpose("a"), false},
		{"context keys", onlyPurpose, masterID, purpose("a"), true},
		{"too many context keys", onlyPurpose, masterID, map[string]string{"purpose": "a", "more": "b"}, false},
		{"a required context is absent", conditions{"Null": {"kms:EncryptionContextKeys": {"false"}}},
			masterID, nil, false},
		{"by alias", conditions{"StringLike": {"kms:RequestAlias": {"alias/mas*"}}}, "alias/master", nil, true},
		{"not by alias", conditions{"StringLike": {"kms:RequestAlias": {"alias/mas*"}}}, masterID, nil, false},
		{"a key with an alias", hasAlias, masterID, nil, true},
		{"a key without the alias", hasAlias, otherID, nil, false},
		{"key spec", conditions{"StringEquals": {"kms:KeySpec": {"SYMMETRIC_DEFAULT"},
			"kms:KeyUsage": {"ENCRYPT_DECRYPT"}, "kms:KeyOrigin": {"AWS_KMS"}}}, masterID, nil, true},
		{"algorithm", conditions{"StringEquals": {"kms:EncryptionAlgorithm": {"SYMMETRIC_DEFAULT"}}},
			masterID, nil, true},
		{"account", conditions{"StringEquals": {"kms:CallerAccount": {account}}}, masterID, nil, true},
		{"a function never calls through a service", conditions{"StringEquals": {"kms:ViaService": {"s3." + region +
			".amazonaws.com"}}}, masterID, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k.grant(t, nil, statement("Allow", "kms:Encrypt", "*", c.where))
			_, err := k.function.Encrypt(t.Context(), &awskms.EncryptInput{
				KeyId:             &c.id,
				Plaintext:         []byte("x"),
				EncryptionContext: c.with,
			})
			api, ok := errors.AsType[smithy.APIError](err)
			if refused := ok && api.ErrorCode() == "AccessDeniedException"; refused == c.want ||
				c.want != (err == nil) {
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
	want := "AccessDeniedException: User: " + session + " is not authorized to perform: kms:Decrypt on resource: " +
		masterARN + " because no resource-based policy allows the kms:Decrypt action"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if lines := k.log.lines(); len(lines) != 1 ||
		!strings.Contains(lines[0], "let the key's policy allow kms:Decrypt") {
		t.Errorf("got the log lines %q, want one with the remedy for the key's policy", lines)
	}
}
