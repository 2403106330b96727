package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// item is an item of the SDK.
type item = map[string]types.AttributeValue

func str(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }
func bin(bytes string) types.AttributeValue {
	return &types.AttributeValueMemberB{Value: []byte(bytes)}
}
func num(number any) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(number)}
}

// fixture is an engine behind an HTTP server, and an SDK client of it.
type fixture struct {
	*sdk.Client
	engine *Engine
	server *httptest.Server
}

func open(t testing.TB, opts Options) *fixture {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	e, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	f := serveFixture(t, e)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func serveFixture(t testing.TB, e *Engine) *fixture {
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return &fixture{newClient(server.URL), e, server}
}

// newClient returns an SDK client that does not retry, so that tests see every
// error.
func newClient(url string) *sdk.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	return sdk.New(sdk.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(url),
		Credentials:      credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Transport: plainBody{transport}},
	})
}

// plainBody hides the WriteTo method of the SDK's request bodies. The SDK
// closes the body as soon as the response arrives. If net/http then calls
// WriteTo to look for more data, the error of the closed body (smithy-go 1.28)
// looks like a failed write, and net/http drops the connection with the
// response. Only a server in the same process is fast enough for that.
type plainBody struct{ http.RoundTripper }

func (p plainBody) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body = struct{ io.ReadCloser }{r.Body}
	return p.RoundTripper.RoundTrip(r)
}

// key parses a key schema such as "pk S" or "pk S, sk N".
func key(decl string) (elements []types.KeySchemaElement, definitions []types.AttributeDefinition) {
	for i, part := range strings.Split(decl, ", ") {
		name, kind, _ := strings.Cut(part, " ")
		role := types.KeyTypeHash
		if i > 0 {
			role = types.KeyTypeRange
		}
		elements = append(elements, types.KeySchemaElement{AttributeName: &name, KeyType: role})
		definitions = append(definitions, types.AttributeDefinition{
			AttributeName: &name,
			AttributeType: types.ScalarAttributeType(kind),
		})
	}
	return elements, definitions
}

// index declares a secondary index. projection is ALL, KEYS_ONLY, or the names
// of the included attributes.
type index struct{ name, key, projection string }

func (x index) parts() (name *string, schema []types.KeySchemaElement,
	definitions []types.AttributeDefinition, p *types.Projection) {
	schema, definitions = key(x.key)
	p = &types.Projection{ProjectionType: types.ProjectionType(x.projection)}
	if x.projection != "ALL" && x.projection != "KEYS_ONLY" {
		p = &types.Projection{
			ProjectionType:   types.ProjectionTypeInclude,
			NonKeyAttributes: strings.Split(x.projection, " "),
		}
	}
	return &x.name, schema, definitions, p
}

// tableInput returns the declaration of an on-demand table.
func tableInput(name, primary string, global, local []index) *sdk.CreateTableInput {
	in := &sdk.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	in.KeySchema, in.AttributeDefinitions = key(primary)
	define := func(definitions []types.AttributeDefinition) {
		for _, d := range definitions {
			known := false
			for _, have := range in.AttributeDefinitions {
				known = known || *have.AttributeName == *d.AttributeName
			}
			if !known {
				in.AttributeDefinitions = append(in.AttributeDefinitions, d)
			}
		}
	}
	for _, x := range global {
		name, schema, definitions, projection := x.parts()
		define(definitions)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes,
			types.GlobalSecondaryIndex{IndexName: name, KeySchema: schema, Projection: projection})
	}
	for _, x := range local {
		name, schema, definitions, projection := x.parts()
		define(definitions)
		in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes,
			types.LocalSecondaryIndex{IndexName: name, KeySchema: schema, Projection: projection})
	}
	return in
}

func (f *fixture) createTable(t testing.TB, name, primary string, global, local []index) {
	t.Helper()
	if _, err := f.CreateTable(t.Context(), tableInput(name, primary, global, local)); err != nil {
		t.Fatalf("create table %s: %v", name, err)
	}
}

func (f *fixture) put(t testing.TB, table string, items ...item) {
	t.Helper()
	for _, it := range items {
		if _, err := f.PutItem(context.Background(), &sdk.PutItemInput{TableName: &table, Item: it}); err != nil {
			t.Fatalf("put: %v", err)
		}
	}
}

func (f *fixture) get(t testing.TB, table string, key item) item {
	t.Helper()
	out, err := f.GetItem(context.Background(), &sdk.GetItemInput{
		TableName:      &table,
		Key:            key,
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	return out.Item
}

// wantError checks an error's code and that its message contains text.
func wantError(t testing.TB, err error, code, text string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		t.Errorf("got the error %v\nwant %s: %s", err, code, text)
	case api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text):
		t.Errorf("got %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), code, text)
	}
}

// eventually polls until done returns true.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// dump formats a value of the SDK with the values behind its pointers.
func dump(v any) string {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
