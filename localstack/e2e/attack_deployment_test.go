package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// These attacks begin with code that an attacker runs in a function: it has the
// credentials of the function's role, which the tests take from the environment
// of the function's process.

// attackedStack returns a stack that only this test uses, whose log may show
// that IAM denied requests.
func attackedStack(t *testing.T, flags ...string) *stack {
	t.Helper()
	s := ownStack(t, flags...)
	s.attacked = true
	return s
}

// roleOf returns an SDK configuration with the credentials of a function's
// role.
func roleOf(ctx context.Context, t *testing.T, s *stack, function string) aws.Config {
	t.Helper()
	environment := environmentOf(ctx, t, s, function)
	c := awsConfig(s.url)
	c.Region = environment["AWS_REGION"]
	c.Credentials = credentials.NewStaticCredentialsProvider(environment["AWS_ACCESS_KEY_ID"],
		environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"])
	return c
}

// environmentOf returns the environment of a function's process. It invokes the
// function, so that an instance runs.
func environmentOf(ctx context.Context, t *testing.T, s *stack, function string) map[string]string {
	t.Helper()
	needsProcess(t)
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc to read a process's environment")
	}
	_, err := lambda.NewFromConfig(awsConfig(s.url)).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &function,
		Payload:      []byte(`{"onlyMissing":true}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.EvalSymlinks(s.data)
	if err != nil {
		t.Fatal(err)
	}
	links, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is valid
	for _, link := range links {
		exe, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(exe, below+string(filepath.Separator)) {
			continue
		}
		block, err := os.ReadFile(filepath.Join(filepath.Dir(link), "environ"))
		if err != nil {
			continue // the process has exited
		}
		environment := map[string]string{}
		for variable := range bytes.SplitSeq(block, []byte{0}) {
			name, value, _ := strings.Cut(string(variable), "=")
			environment[name] = value
		}
		if environment["AWS_LAMBDA_FUNCTION_NAME"] == function {
			return environment
		}
	}
	t.Fatalf("found no process of %s", function)
	return nil
}

// wrappedKey is a private key or data key of the service as the keys table has
// it.
type wrappedKey struct {
	blob    []byte
	context map[string]string
}

// wrappedKeys returns one wrapped key of each purpose.
func wrappedKeys(ctx context.Context, t *testing.T, s *stack) map[string]wrappedKey {
	t.Helper()
	purposes := map[string]string{
		"service": "sotto-service-key",
		"server":  "sotto-server-key",
		"data":    "sotto-data-key",
		"session": "sotto-session-key",
		"wrap":    "sotto-session-wrap",
	}
	db := dynamodb.NewFromConfig(awsConfig(s.url))
	rows, err := db.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(tableNamed(ctx, t, db, "KeysTable"))})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]wrappedKey{}
	for _, row := range rows.Items {
		kind := row["kind"].(*dynamodbtypes.AttributeValueMemberS).Value
		if kind == "keyset" {
			continue
		}
		var record struct{ Wrapped []byte }
		if err := json.Unmarshal(row["value"].(*dynamodbtypes.AttributeValueMemberB).Value, &record); err != nil {
			t.Fatal(err)
		}
		found[purposes[kind]] = wrappedKey{record.Wrapped, map[string]string{
			"purpose":    purposes[kind],
			"deployment": environmentOf(ctx, t, s, sendFunction)["SOTTO_AUDIENCE"],
		}}
	}
	if len(found) != len(purposes) {
		t.Fatalf("got wrapped keys of %d purposes, want %d", len(found), len(purposes))
	}
	return found
}

// tableNamed returns the name of the table with that logical id.
func tableNamed(ctx context.Context, t *testing.T, db *dynamodb.Client, id string) string {
	t.Helper()
	tables, err := db.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tables.TableNames {
		if strings.Contains(name, id) {
			return name
		}
	}
	t.Fatalf("got the tables %v, want one of %s", tables.TableNames, id)
	return ""
}

// Vulnerability: sendMessage could unwrap every key of the service, its
// identity among them, and handshake, which reads what strangers send, could
// unwrap the keys that open messages.
// Attack: mallory runs code in a function, reads the wrapped keys and asks KMS
// to unwrap them.
// This verifies that each function can unwrap the keys of its purposes, and no
// other key.
func TestAttackFunctionUnwrapsKeysOfAnotherPurpose(t *testing.T) {
	s, ctx := attackedStack(t), testContext(t)
	p := openSession(ctx, t, s, newUser(t, "ada"))
	p.sendFrame(p.sealed(p.message("lobby", nil))) // makes a data key
	if _, err := p.receive(ctx, "ack"); err != nil {
		t.Fatal(err)
	}
	wrapped := wrappedKeys(ctx, t, s)
	may := map[string][]string{
		"Handshake":       {"sotto-session-key", "sotto-session-wrap"},
		"SendMessage":     {"sotto-server-key", "sotto-data-key", "sotto-session-wrap"},
		"Deliver":         {"sotto-data-key", "sotto-session-wrap"},
		"History":         {"sotto-data-key", "sotto-session-wrap"},
		"JoinRoom":        {"sotto-session-wrap"},
		"Rooms":           {"sotto-data-key", "sotto-session-wrap"},
		"RevokeDevice":    {"sotto-session-wrap"},
		"Connect":         nil,
		"RotateServerKey": {"sotto-service-key", "sotto-server-key", "sotto-session-key", "sotto-session-wrap"},
	}
	for function, own := range may {
		api := kms.NewFromConfig(roleOf(ctx, t, s, "local-"+function+"Function"))
		for purpose, key := range wrapped {
			_, err := api.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: key.blob, EncryptionContext: key.context})
			if want := slices.Contains(own, purpose); (err == nil) != want || err != nil && !denied(err) {
				t.Errorf("%s unwraps a key of the purpose %s: got error %v, want allowed: %v", function, purpose, err, want)
			}
		}
	}
}

// Vulnerability: no policy named the deployment in the encryption context, so a
// function could unwrap keys of another deployment that shares the KMS key.
// Attack: mallory runs code in sendMessage and asks for a data key in the name
// of another deployment.
// This verifies that the key's policy refuses every other deployment, and a
// request without one.
func TestAttackFunctionActsForAnotherDeployment(t *testing.T) {
	s, ctx := attackedStack(t), testContext(t)
	keys, err := kms.NewFromConfig(awsConfig(s.url)).ListKeys(ctx, &kms.ListKeysInput{})
	if err != nil || len(keys.Keys) != 1 {
		t.Fatalf("got the keys %+v, %v; want one", keys, err)
	}
	api := kms.NewFromConfig(roleOf(ctx, t, s, sendFunction))
	own := environmentOf(ctx, t, s, sendFunction)["SOTTO_AUDIENCE"]
	for _, test := range []struct {
		name    string
		context map[string]string
		allowed bool
	}{
		{"its own deployment", map[string]string{"purpose": "sotto-data-key", "deployment": own}, true},
		{"another deployment", map[string]string{"purpose": "sotto-data-key", "deployment": "other/prod"}, false},
		{"no deployment", map[string]string{"purpose": "sotto-data-key"}, false},
		{"no purpose", map[string]string{"deployment": own}, false},
		{"no context", nil, false},
	} {
		_, err := api.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
			KeyId:             keys.Keys[0].KeyId,
			KeySpec:           "AES_256",
			EncryptionContext: test.context,
		})
		_, plainErr := api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
			KeyId:             keys.Keys[0].KeyId,
			KeySpec:           "AES_256",
			EncryptionContext: test.context,
		})
		if !denied(err) {
			t.Errorf("GenerateDataKeyWithoutPlaintext for %s: got error %v, want AccessDeniedException", test.name, err)
		}
		if (plainErr == nil) != test.allowed || plainErr != nil && !denied(plainErr) {
			t.Errorf("GenerateDataKey for %s: got error %v, want allowed: %v", test.name, plainErr, test.allowed)
		}
	}
}

// Vulnerability: sendMessage could write every row of the keys table, such as
// the key set and the service's identity. Attack: mallory runs code in
// sendMessage and in handshake and replaces rows of the keys table. This
// verifies that sendMessage writes data keys only, that handshake writes no
// key, and that the function that makes keys cannot delete the identity.
func TestAttackFunctionReplacesKeys(t *testing.T) {
	s, ctx := attackedStack(t), testContext(t)
	table := tableNamed(ctx, t, dynamodb.NewFromConfig(awsConfig(s.url)), "KeysTable")
	row := func(kind string) map[string]dynamodbtypes.AttributeValue {
		return map[string]dynamodbtypes.AttributeValue{
			"kind": &dynamodbtypes.AttributeValueMemberS{Value: kind},
			"id":   &dynamodbtypes.AttributeValueMemberS{Value: "mallory"},
		}
	}
	for _, test := range []struct {
		function, kind string
		put, remove    bool
	}{
		{"SendMessage", "service", false, false},
		{"SendMessage", "server", false, false},
		{"SendMessage", "keyset", false, false},
		{"Handshake", "service", false, false},
		{"Handshake", "keyset", false, false},
		{"Handshake", "data", false, false},
		{"RotateServerKey", "service", true, false},
		{"RotateServerKey", "keyset", true, false},
	} {
		db := dynamodb.NewFromConfig(roleOf(ctx, t, s, "local-"+test.function+"Function"))
		// The condition fails, so that a permitted request changes nothing.
		_, err := db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName:           &table,
			Item:                row(test.kind),
			ConditionExpression: aws.String("attribute_exists(kind)"),
		})
		if denied(err) == test.put {
			t.Errorf("%s writes a row of the kind %s: got error %v, want allowed: %v", test.function, test.kind, err,
				test.put)
		}
		_, err = db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table, Key: row(test.kind)})
		if denied(err) == test.remove {
			t.Errorf("%s deletes a row of the kind %s: got error %v, want allowed: %v", test.function, test.kind, err,
				test.remove)
		}
	}
}

// denied reports whether IAM refused a request.
func denied(err error) bool {
	return err != nil && strings.Contains(err.Error(), "AccessDeniedException")
}

// Vulnerability: the key's policy left everything to the account's policies, so
// a role with the permission kms:* could unwrap every key.
// Attack: mallory may create a role in the account and gives it all of KMS and
// the keys table.
// This verifies that the key's policy refuses roles that it does not name, also
// with a grant.
func TestAttackRoleOfTheAccountUnwrapsKeys(t *testing.T) {
	s, ctx := attackedStack(t), testContext(t)
	p := openSession(ctx, t, s, newUser(t, "ada"))
	p.sendFrame(p.sealed(p.message("lobby", nil))) // makes a data key
	if _, err := p.receive(ctx, "ack"); err != nil {
		t.Fatal(err)
	}
	wrapped := wrappedKeys(ctx, t, s)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.template = templateWith(t, `
  MalloryFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: go1.x }
    Properties:
      CodeUri: functions/ping/
      Policies:
        - Statement:
            - { Effect: Allow, Action: "kms:*", Resource: "*" }
`)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	api := kms.NewFromConfig(roleOf(ctx, t, s, "local-MalloryFunction"))
	keys, err := api.ListKeys(ctx, &kms.ListKeysInput{})
	if err != nil || len(keys.Keys) != 1 {
		t.Fatalf("got the keys %+v, %v; want one", keys, err)
	}
	for purpose, key := range wrapped {
		_, err := api.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: key.blob, EncryptionContext: key.context})
		if !denied(err) {
			t.Errorf("unwrapping a key of the purpose %s: got error %v, want AccessDeniedException", purpose, err)
		}
	}
	_, err = api.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId:            keys.Keys[0].KeyId,
		GranteePrincipal: aws.String("arn:aws:iam::000000000000:role/local-MalloryFunctionRole"),
		Operations:       []kmstypes.GrantOperation{kmstypes.GrantOperationDecrypt},
	})
	if !denied(err) {
		t.Errorf("CreateGrant: got error %v, want AccessDeniedException", err)
	}
	if _, err := api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: keys.Keys[0].KeyId}); err != nil {
		t.Errorf("DescribeKey, which the account may allow: got error %v, want none", err)
	}
}

// templateWith returns a copy of the repository's template with more resources.
func templateWith(t *testing.T, resources string) string {
	t.Helper()
	template := sharedStack(t).template
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Dir(template))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "\nResources:\n", "\nResources:\n"+resources, 1)
	changed = strings.ReplaceAll(changed, "CodeUri: functions/", "CodeUri: "+filepath.ToSlash(root)+"/functions/")
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Vulnerability: connections and memberships stood in the tables of names,
// devices and rooms, so disconnect, leaveRoom, revokeDevice and handshake could
// delete every name and every device's tombstone.
// Attack: mallory runs code in any of the functions and deletes a row that must
// stay.
// This verifies that no function can delete a row of these tables, nor a table.
func TestAttackFunctionDeletesWhatMustStay(t *testing.T) {
	s, ctx := attackedStack(t), testContext(t)
	_, state, err := s.health()
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]string{
		"UsersTable":    {"user", "item"},
		"RoomsTable":    {"room", "item"},
		"MessagesTable": {"log", "seq"},
	}
	outside := dynamodb.NewFromConfig(awsConfig(s.url))
	for _, function := range state.Functions {
		db := dynamodb.NewFromConfig(roleOf(ctx, t, s, function))
		for id, attributes := range keys {
			table := tableNamed(ctx, t, outside, id)
			key := map[string]dynamodbtypes.AttributeValue{}
			for _, name := range attributes {
				key[name] = &dynamodbtypes.AttributeValueMemberS{Value: "ada"}
				if name == "seq" {
					key[name] = &dynamodbtypes.AttributeValueMemberN{Value: "1"}
				}
			}
			_, err := db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table, Key: key})
			if !denied(err) {
				t.Errorf("%s deletes a row of %s: got error %v, want AccessDeniedException", function, id, err)
			}
			_, err = db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
			if !denied(err) {
				t.Errorf("%s deletes %s: got error %v, want AccessDeniedException", function, id, err)
			}
		}
	}
	db := dynamodb.NewFromConfig(roleOf(ctx, t, s, "local-DisconnectFunction"))
	table := tableNamed(ctx, t, outside, "ConnectionsTable")
	if _, err := db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &table,
		Key: map[string]dynamodbtypes.AttributeValue{
			"connection": &dynamodbtypes.AttributeValueMemberS{Value: "gone="},
		},
	}); err != nil {
		t.Errorf("disconnect deletes a connection: got error %v, want none", err)
	}
}
