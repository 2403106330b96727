package iam_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/trace/tracetest"
)

// serve serves a guarded handler on a port. A request that is signed with the
// function's name comes from the function, any other from outside.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "Credential="+function+"/") {
			r = r.WithContext(fromFunction(r.Context()))
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// signedBy returns credentials with this access key id.
func signedBy(name string) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(name, "secret", "")
}

// log collects lines. It may be used concurrently.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// lines returns the lines since the last call.
func (l *log) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return slices.DeleteFunc(strings.Split(l.text.String(), "\n"), func(s string) bool { return s == "" })
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// database is a DynamoDB engine behind a guard.
type database struct {
	guard    *iam.Guard
	function *awsdynamodb.Client // signs as the function
	outside  *awsdynamodb.Client // signs with another name
	url      string
	log      *log
	events   *tracetest.Recorder
}

var tableKeys = map[string]string{"Rooms": "room", "Users": "user"}

func startDatabase(t *testing.T) *database {
	t.Helper()
	engine, err := dynamodb.Open(dynamodb.Options{Dir: t.TempDir(), Account: account, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, key := range tableKeys {
		index := "byOwner"
		in := dynamodb.CreateTableInput{
			TableName:   &name,
			BillingMode: "PAY_PER_REQUEST",
			KeySchema:   []dynamodb.KeySchemaElement{{AttributeName: key, KeyType: "HASH"}},
			AttributeDefinitions: []dynamodb.AttributeDefinition{{
				AttributeName: key,
				AttributeType: "S",
			}, {
				AttributeName: "owner",
				AttributeType: "S",
			}},
			GlobalSecondaryIndexes: []dynamodb.SecondaryIndex{{
				IndexName:  &index,
				KeySchema:  []dynamodb.KeySchemaElement{{AttributeName: "owner", KeyType: "HASH"}},
				Projection: &dynamodb.Projection{ProjectionType: "ALL"},
			}},
		}
		if err := engine.EnsureTable(t.Context(), in, ""); err != nil {
			t.Fatal(err)
		}
	}
	d := &database{log: &log{}, events: &tracetest.Recorder{}}
	d.guard = newGuard(t, iam.Options{
		Log:   d.log.logger(),
		Trace: d.events,
		PartitionKey: func(table, index string) string {
			if index != "" {
				return "owner"
			}
			return tableKeys[table]
		},
	})
	d.url = serve(t, d.guard.DynamoDB(engine))
	client := func(name string) *awsdynamodb.Client {
		return awsdynamodb.New(awsdynamodb.Options{BaseEndpoint: &d.url, Region: region, Credentials: signedBy(name)})
	}
	d.function, d.outside = client(function), client("developer")
	return d
}

// grant gives the function's role these statements and no others.
func (d *database) grant(t *testing.T, statements ...iam.Statement) {
	t.Helper()
	if err := d.guard.Update(map[string]iam.Role{function: role(statements...)}, nil); err != nil {
		t.Fatal(err)
	}
}

// wantDenied checks that err is the typed error of an SDK with AWS's text, and
// that there is one line in the log.
func wantDenied(t *testing.T, err error, l *log, action, resource string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != "AccessDeniedException" {
		t.Fatalf("got %v, want AccessDeniedException for %s", err, action)
	}
	want := "User: " + session + " is not authorized to perform: " + action + " on resource: " + resource +
		" because no identity-based policy allows the " + action + " action"
	if api.ErrorMessage() != want {
		t.Errorf("got  %s\nwant %s", api.ErrorMessage(), want)
	}
	wantLine(t, l, action, resource)
}

// wantLine checks that the log has one line, about this action and resource.
func wantLine(t *testing.T, l *log, action, resource string) {
	t.Helper()
	lines := l.lines()
	if len(lines) != 1 {
		t.Fatalf("got %d lines in the log, want 1:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for _, want := range []string{"function=" + function, "action=" + action, "resource=" + resource,
		`remedy="add ` + action + " on " + resource} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("got the log line %s, want %q in it", lines[0], want)
		}
	}
}

// wantServed checks that the service behind the guard has answered, with
// success or any error but a refusal.
func wantServed(t *testing.T, err error, l *log) {
	t.Helper()
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "AccessDeniedException" {
		t.Errorf("got %v, want no refusal", err)
	}
	if lines := l.lines(); len(lines) > 0 {
		t.Errorf("got the log lines %q, want none", lines)
	}
}

type dynamoDBCall func(context.Context, *awsdynamodb.Client) error
