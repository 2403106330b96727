package table_test

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	engine "github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/room/storetest"
	"github.com/sotto-chat/sotto/shared/table"
)

var tables = table.Names{
	Users:       "users",
	Memberships: "memberships",
	Connections: "connections",
	Listeners:   "listeners",
	Rooms:       "rooms",
	Messages:    "messages",
	Rates:       "rates",
	Keys:        "keys",
}

// schema is the key schema of each table, as template.yaml declares it.
var schema = map[string][]string{
	tables.Users: {"user", "item"}, tables.Memberships: {"user", "room"},
	tables.Connections: {"connection"}, tables.Listeners: {"of", "connection"},
	tables.Rooms: {"room", "item"}, tables.Messages: {"log", "seq"},
	tables.Rates: {"rate"}, tables.Keys: {"kind", "id"},
}

// connect starts the engine and makes the tables.
func connect(t testing.TB) *dynamodb.Client {
	t.Helper()
	db, err := engine.Open(engine.Options{
		Dir:     t.TempDir(),
		Account: "000000000000",
		Region:  "us-east-1",
		Log:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(db)
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	client := dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: &server.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	for name, keys := range schema {
		in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
		for i, key := range keys {
			kind := types.ScalarAttributeTypeS
			if key == "seq" {
				kind = types.ScalarAttributeTypeN
			}
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
				AttributeName: &key,
				AttributeType: kind,
			})
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
				AttributeName: &key,
				KeyType:       []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i],
			})
		}
		if _, err := client.CreateTable(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if err := dynamodb.NewTableExistsWaiter(client).Wait(t.Context(),
			&dynamodb.DescribeTableInput{TableName: aws.String(name)}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	return client
}

func TestStore(t *testing.T) {
	client := connect(t)
	storetest.Run(t, func(_ *testing.T, now func() time.Time) room.Store { return table.New(client, tables, now) })
}
