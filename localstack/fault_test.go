package main

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/fault"
)

// connectEvent is an event that the echo function answers without a request.
const connectEvent = `{"requestContext":{"routeKey":"$connect"}}`

func TestFaultsOfTheCommandLine(t *testing.T) {
	p := startProcess(t, "-template", echoTemplate, "-data", t.TempDir(),
		"-fault", "lambda.kill-before:echo,count=1", "-fault",
		"dynamodb.error:DeleteTable,probability=0.5", "-fault-seed", "77")
	eventually(t, "the faults and their seed in the log", func() bool {
		return strings.Contains(p.stderr.String(), "lambda.kill-before:echo,count=1") &&
			strings.Contains(p.stderr.String(), "seed=77")
	})
	client := lambda.NewFromConfig(awsConfig(p.url))
	for _, fails := range []bool{true, false} {
		out, err := client.Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String("echo"),
			Payload:      []byte(connectEvent),
		})
		if err != nil {
			t.Fatal(err)
		}
		if failed := out.FunctionError != nil; failed != fails {
			t.Errorf("the invocation failed: %t (%s), want %t", failed, out.Payload, fails)
		}
	}
	response, err := http.Get(p.url + edge.FaultsPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var state fault.State
	if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	if state.Seed != 77 || len(state.Faults) != 2 || state.Faults[0].Struck != 1 || state.Faults[1].Struck != 0 {
		t.Errorf("the faults are %+v, want two under seed 77, the first struck once", state)
	}
}

// The action stack.exit is a crash: nothing is stopped in order, and a
// confirmed message exists afterwards.
func TestExitIsACrash(t *testing.T) {
	data := t.TempDir()
	p := startProcess(t, "-template", echoTemplate, "-data", data)
	echo(t, dial(t, p), "kept")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+edge.FaultsPath,
		strings.NewReader(`{"kind":"stack.exit"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(edge.FaultsHeader, "1")
	if response, err := http.DefaultClient.Do(r); err == nil {
		response.Body.Close() // the answer may be lost
	}
	state := p.wait(t)
	if state.Success() || runtime.GOOS != "windows" && state.Exited() {
		t.Errorf("the stack ended with %v, want that it was killed", state)
	}
	if strings.Contains(p.stderr.String(), "stopping") {
		t.Error("the stack stopped in order, want a crash")
	}
	p = startProcess(t, "-template", echoTemplate, "-data", data)
	if attribute(t, p, "kept", "sealed") == nil {
		t.Error("the item is gone after the crash")
	}
	echo(t, dial(t, p), "and on")
}
