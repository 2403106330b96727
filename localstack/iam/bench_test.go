package iam_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/iam"
)

// discard is a response writer that keeps only the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// BenchmarkPutItem measures a PutItem of 1 KiB: with an engine that commits to
// disk, with a guard and an engine, and with a guard alone. The guard has a
// role with eight plain statements, or one with conditions on the item.
func BenchmarkPutItem(b *testing.B) {
	engine, err := dynamodb.Open(dynamodb.Options{Dir: b.TempDir(), Account: account, Region: region})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	name := "Rooms"
	err = engine.EnsureTable(b.Context(), dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          "PAY_PER_REQUEST",
		KeySchema:            []dynamodb.KeySchemaElement{{AttributeName: "room", KeyType: "HASH"}},
		AttributeDefinitions: []dynamodb.AttributeDefinition{{AttributeName: "room", AttributeType: "S"}},
	}, "")
	if err != nil {
		b.Fatal(err)
	}
	var statements []iam.Statement
	for i := range 8 {
		statements = append(statements, statement("Allow", "dynamodb:GetItem dynamodb:Query",
			table+strconv.Itoa(i), nil))
	}
	plain := append(statements, statement("Allow", "dynamodb:GetItem dynamodb:PutItem", table, nil))
	onItems := append(statements, statement("Allow", "dynamodb:PutItem", table,
		conditions{"ForAllValues:StringLike": {"dynamodb:LeadingKeys": {"lobby*"}, "dynamodb:Attributes": {"*"}}}))
	guarded := func(next http.Handler, statements []iam.Statement) http.Handler {
		g, err := iam.New(iam.Options{
			Account:      account,
			Region:       region,
			Roles:        map[string]iam.Role{function: role(statements...)},
			PartitionKey: func(string, string) string { return "room" },
		})
		if err != nil {
			b.Fatal(err)
		}
		return g.DynamoDB(next)
	}
	reads := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // cannot fail: the body is a byte slice
		w.WriteHeader(http.StatusOK)
	})
	body := []byte(`{"TableName":"Rooms","Item":{"room":{"S":"lobby"},"owner":{"S":"ada"},"n":{"N":"42"},"text":{"S":"` + strings.Repeat("x", 960) + `"}}}`)
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{
		{"engine", engine},
		{"guard and engine", guarded(engine, plain)},
		{"body alone", reads},
		{"guard and body", guarded(reads, plain)},
		{"guard with item conditions and body", guarded(reads, onItems)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				r := httptest.NewRequestWithContext(fromFunction(b.Context()), http.MethodPost, "/",
					bytes.NewReader(body))
				r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+function)
				w := &discard{header: http.Header{}}
				c.handler.ServeHTTP(w, r)
				if w.status != http.StatusOK {
					b.Fatalf("got status %d, want 200", w.status)
				}
			}
		})
	}
}
