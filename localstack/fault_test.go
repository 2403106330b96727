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

// connectEvent is one that the echo function answers without using anything.
const connectEvent = `{"requestContext":{"routeKey":"$connect"}}`

func TestFaultsOfTheCommandLine(t *testing.T) {
	p := startProcess(t, "-template", echoTemplate, "-data", t.TempDir(),
		"-fault", "lambda.kill-before:echo,count=1", "-fault",
		"dynamodb.error:DeleteTable,probability=0.5", "-fault-seed", "77")
	eventually(t, "the start tells the faults and their seed", func() bool {
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
			t.Errorf("failed: %v (%s), want %v", failed, out.Payload, fails)
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
		t.Errorf("the faults are %+v", state)
	}
}

// The action exit is a crash: nothing is put in order, and what was
// acknowledged is there afterwards.
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
		response.Body.Close() // an answer may get out, or not
	}
	state := p.wait(t)
	if state.Success() || runtime.GOOS != "windows" && state.Exited() {
		t.Errorf("the stack ended with %v, want a kill", state)
	}
	if strings.Contains(p.stderr.String(), "stopping") {
		t.Error("the stack stopped in order")
	}
	p = startProcess(t, "-template", echoTemplate, "-data", data)
	if attribute(t, p, "kept", "sealed") == nil {
		t.Error("after the crash the item is gone")
	}
	echo(t, dial(t, p), "and on")
}
