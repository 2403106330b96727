package main

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/inspect"
)

const boardTemplate = "testdata/board/template.yaml"

// reader is a client of the board app.
type reader struct {
	t    *testing.T
	conn *websocket.Conn
}

func (p *process) reader(t *testing.T, query string) (reader, *http.Response, error) {
	t.Helper()
	_, h := p.health(t)
	conn, response, err := websocket.Dial(t.Context(), h.WebSocket+query, nil)
	if err == nil {
		t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return reader{t, conn}, response, err
}

func (r reader) send(text string) {
	r.t.Helper()
	if err := r.conn.Write(r.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		r.t.Fatal(err)
	}
}

func (r reader) receive() string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	_, data, err := r.conn.Read(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

// An app without any setting for the local stack runs as on AWS: its functions
// set no endpoint and post to https://{domainName}/{stage}.
func TestAppWrittenForAWS(t *testing.T) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("Go programs on this system trust only its own certificates (docs/local-stack-tls.md)")
	}
	p := startProcess(t, "-template", boardTemplate, "-data", t.TempDir())

	for query, want := range map[string]int{"": 401, "?token=shut&name=eve": 401, "?token=other&name=eve": 403} {
		if _, response, err := p.reader(t, query); err == nil || response == nil || response.StatusCode != want {
			t.Errorf("the handshake with %q is answered %v, %v, want %d", query, response, err, want)
		}
	}
	ada, _, err := p.reader(t, "?token=open&name=ada")
	if err != nil {
		t.Fatal(err)
	}
	bob, _, err := p.reader(t, "?token=open&name=bob")
	if err != nil {
		t.Fatal(err)
	}

	ada.send(`{"action":"who"}`)
	var who struct{ Name, Domain, Scan string }
	if err := json.Unmarshal([]byte(ada.receive()), &who); err != nil {
		t.Fatal(err)
	}
	if who.Name != "ada" || who.Scan != "AccessDeniedException" ||
		!strings.HasSuffix(who.Domain, ".execute-api.us-east-1.amazonaws.com") {
		t.Errorf("who answers %+v, want ada, an execute-api name and AccessDeniedException", who)
	}
	eventually(t, "the missing permission in the log",
		func() bool { return strings.Contains(p.stderr.String(), "dynamodb:Scan") })

	ada.send(`{"action":"pin","text":""}`)
	if frame := ada.receive(); !strings.HasPrefix(frame, `{"message" : "Bad request body", "connectionId":`) {
		t.Errorf("an empty notice is answered %s, want Bad request body", frame)
	}
	ada.send(`{"action":"nothing"}`)
	if frame := ada.receive(); !strings.HasPrefix(frame, `{"message": "Forbidden"`) {
		t.Errorf("an unknown route is answered %s, want Forbidden", frame)
	}

	ada.send(`{"action":"pin","text":"the kettle is free"}`)
	for _, r := range []reader{ada, bob} {
		if notice := r.receive(); notice != "the kettle is free" {
			t.Errorf("received %q, want the notice", notice)
		}
	}
	var state inspect.State
	p.get(t, "/_localstack/state", &state)
	for _, table := range state.Tables {
		if table.Stream != strings.Contains(table.Name, "Notices") {
			t.Errorf("the page shows a stream of %s: %t, want the opposite", table.Name, table.Stream)
		}
	}
	client := dynamodb.NewFromConfig(awsConfig(p.url))
	var notices string
	tables, err := client.ListTables(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tables.TableNames {
		if strings.Contains(name, "Notices") {
			notices = name
		}
	}
	eventually(t, "the destination's record of the failed audit", func() bool {
		out, err := client.Scan(t.Context(), &dynamodb.ScanInput{
			TableName:        &notices,
			FilterExpression: aws.String("attribute_exists(lost)"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Items) != 1 {
			return false
		}
		why, _ := out.Items[0]["lost"].(*types.AttributeValueMemberS)
		return why != nil && why.Value == "RetriesExhausted"
	})
}
