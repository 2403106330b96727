package conformance

import (
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
)

var endpoint = flag.String("endpoint", "", "URL of the DynamoDB to test; empty runs the engine in this process")

// target is the endpoint that is tested.
var target struct {
	url    string
	region string
	keys   aws.Credentials
	client *sdk.Client
	local  bool // the engine of this module, in this process
}

// timeout bounds every wait for a condition.
const timeout = 3 * time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (status int) {
	target.url, target.local = *endpoint, *endpoint == ""
	if target.local {
		dir, err := os.MkdirTemp("", "conformance-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		engine, err := dynamodb.Open(dynamodb.Options{
			Dir:           dir,
			Log:           slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
			SweepInterval: 50 * time.Millisecond,
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() {
			if err := engine.Close(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				status = 1
			}
		}()
		server := httptest.NewServer(engine)
		defer server.Close()
		target.url = server.URL
	}
	target.region = cmp.Or(os.Getenv("AWS_REGION"), "us-east-1")
	target.keys = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}
	if id := os.Getenv("AWS_ACCESS_KEY_ID"); id != "" && !target.local {
		target.keys = aws.Credentials{
			AccessKeyID:     id,
			SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		}
	}
	target.client = sdk.New(sdk.Options{
		Region:           target.region,
		BaseEndpoint:     &target.url,
		Credentials:      credentials.StaticCredentialsProvider{Value: target.keys},
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Transport: recordingTransport{http.DefaultTransport}},
	})
	return m.Run()
}

// skipOnAWS skips a test that takes hours on AWS.
func skipOnAWS(t *testing.T) {
	t.Helper()
	if !target.local {
		t.Skip("takes hours on AWS; run without -endpoint")
	}
}

// table is the table of one test.
type table struct{ name string }

// newName returns a unique table name.
func newName() string { return "conformance-" + strings.ToLower(rand.Text()[:12]) }

// newTable creates an on-demand table that is deleted when the test ends. key
// is for example "pk S" or "pk S, sk N". An index is for example "GSI by-age:
// kind S, age N: ALL"; instead of ALL it may have KEYS_ONLY or the names of
// included attributes.
func newTable(t *testing.T, key string, indexes ...string) *table {
	t.Helper()
	tb := &table{newName()}
	tb.create(t, declare(key, indexes...))
	return tb
}

// create creates a table. request is that of CreateTable without TableName.
func (tb *table) create(t *testing.T, request string) {
	t.Helper()
	tb.must(t, "CreateTable", request)
	t.Cleanup(func() {
		if got := call(context.Background(), t, "DeleteTable",
			tb.request("DeleteTable", "{}")); got.Status != 200 && got.Code != "ResourceNotFoundException" {
			t.Errorf("delete %s: %s", tb.name, got)
		}
	})
	tb.active(t)
}

// active waits until the table and its indexes are active.
func (tb *table) active(t *testing.T) {
	t.Helper()
	eventually(t, "the table is active", func() bool {
		got := tb.must(t, "DescribeTable", "{}")
		statuses := []any{got.at("Table", "TableStatus")}
		if indexes, ok := got.at("Table", "GlobalSecondaryIndexes").([]any); ok {
			for _, x := range indexes {
				statuses = append(statuses, x.(map[string]any)["IndexStatus"])
			}
		}
		for _, s := range statuses {
			if s != "ACTIVE" {
				return false
			}
		}
		return true
	})
}

// declare returns the request of CreateTable without TableName. See newTable.
func declare(key string, indexes ...string) string {
	kinds := map[string]string{}
	schema := func(key string) string {
		var elements []string
		for i, part := range strings.Split(key, ", ") {
			name, kind, _ := strings.Cut(part, " ")
			kind, keyType, explicit := strings.Cut(kind, " ")
			if !explicit {
				keyType = []string{"HASH", "RANGE"}[i]
			}
			kinds[name] = kind
			elements = append(elements, fmt.Sprintf(`{"AttributeName":%q,"KeyType":%q}`, name, keyType))
		}
		return "[" + strings.Join(elements, ",") + "]"
	}
	request := `{"BillingMode":"PAY_PER_REQUEST","KeySchema":` + schema(key)
	lists := map[string][]string{}
	for _, index := range indexes {
		head, rest, _ := strings.Cut(index, ": ")
		key, projection, _ := strings.Cut(rest, ": ")
		kind, name, _ := strings.Cut(head, " ")
		projection = fmt.Sprintf(`{"ProjectionType":%q}`, projection)
		if !strings.Contains(projection, `"ALL"`) && !strings.Contains(projection, `"KEYS_ONLY"`) {
			_, projection, _ = strings.Cut(rest, ": ")
			projection = `{"ProjectionType":"INCLUDE","NonKeyAttributes":["` +
				strings.ReplaceAll(projection, " ", `","`) + `"]}`
		}
		lists[kind] = append(lists[kind], fmt.Sprintf(`{"IndexName":%q,"KeySchema":%s,"Projection":%s}`,
			name, schema(key), projection))
	}
	for kind, member := range map[string]string{"GSI": "GlobalSecondaryIndexes", "LSI": "LocalSecondaryIndexes"} {
		if lists[kind] != nil {
			request += `,"` + member + `":[` + strings.Join(lists[kind], ",") + "]"
		}
	}
	var definitions []string
	for name, kind := range kinds {
		definitions = append(definitions, fmt.Sprintf(`{"AttributeName":%q,"AttributeType":%q}`, name, kind))
	}
	return request + `,"AttributeDefinitions":[` + strings.Join(definitions, ",") + "]}"
}

// eventually polls until done returns true.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for pause := time.Millisecond; !done(); pause = min(2*pause, time.Second) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		time.Sleep(pause)
	}
}
