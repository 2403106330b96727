package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/inspect"
	"github.com/sotto-chat/sotto/localstack/trace"
)

func (p *process) get(t *testing.T, path string, into any) {
	t.Helper()
	response, err := http.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, into); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v: %s", path, response.Status, err, body)
	}
}

// The page and the log show the path of one message under the same id, and the
// page shows what the run would have cost.
func TestPathOfAMessage(t *testing.T) {
	p := startProcess(t, "-template", echoTemplate, "-data", t.TempDir(), "-log-requests")
	echo(t, dial(t, p), "shown")

	var state inspect.State
	eventually(t, "the invocations in the page's state", func() bool {
		state = inspect.State{} // Unmarshal keeps absent members
		p.get(t, "/_localstack/state", &state)
		return len(state.Functions) == 1 && state.Functions[0].Stats.Invocations >= 2 && // $connect's and the message's
			len(state.Connections) == 1 && state.Connections[0].Out == 1
	})
	if len(state.Connections) != 1 || state.Connections[0].In != 1 || state.Connections[0].Out != 1 {
		t.Errorf("connections are %+v, want one with a message each way", state.Connections)
	}
	if len(state.APIs) != 1 || len(state.APIs[0].Routes) != 3 || len(state.Functions[0].Instances) == 0 ||
		state.Functions[0].Stats.ColdStarts == 0 {
		t.Errorf("state is %+v, want one API with three routes and one function with a cold start", state)
	}
	if len(state.Tables) != 1 || state.Tables[0].Items != 1 {
		t.Errorf("tables are %+v, want one with one item", state.Tables)
	}
	var items []map[string]map[string]string
	p.get(t, "/_localstack/items?table=echo", &items)
	if len(items) != 1 || items[0]["id"]["S"] != "shown" || items[0]["sealed"]["B"] == "" {
		t.Errorf("items are %v, want the message", items)
	}
	for _, want := range []string{"API Gateway messages from clients", "API Gateway connection minutes",
		"Lambda invocations", "DynamoDB writes", "KMS requests"} {
		if !slices.ContainsFunc(state.Bill.Lines,
			func(l inspect.BillLine) bool { return l.Service+" "+l.Item == want && l.Cost > 0 }) {
			t.Errorf("the bill lacks %s: %+v", want, state.Bill)
		}
	}

	eventually(t, "lines with one id for the whole message", func() bool {
		lines := strings.Split(p.stderr.String(), "\n")
		message := ""
		for _, line := range lines {
			if strings.Contains(line, "msg="+string(trace.Message)) {
				_, rest, _ := strings.Cut(line, "invocation=")
				message, _, _ = strings.Cut(rest, " ")
			}
		}
		for _, want := range []string{
			"operation=PutItem", "operation=Encrypt", "operation=PostToConnection",
			"START RequestId: " + message, "REPORT RequestId: " + message,
		} {
			if !slices.ContainsFunc(lines, func(line string) bool {
				return strings.Contains(line, want) && strings.Contains(line, message)
			}) {
				return false
			}
		}
		return message != ""
	})
}

// With -log json each line of a function has its invocation.
func TestFunctionLogAsJSON(t *testing.T) {
	p := startProcess(t, "-template", echoTemplate, "-data", t.TempDir(), "-log", "json")
	echo(t, dial(t, p), "logged")
	eventually(t, "the REPORT line of an invocation", func() bool {
		for text := range strings.Lines(p.stderr.String()) {
			if !strings.HasSuffix(text, "\n") {
				break // still being written
			}
			var line struct{ Msg, Function, Invocation, Line string }
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("the log has %s, want JSON", text)
			}
			if line.Function == "echo" && line.Invocation != "" &&
				strings.HasPrefix(line.Line, "REPORT RequestId: "+line.Invocation) {
				return true
			}
		}
		return false
	})
}
