package fault_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/fault"
)

// A deployment may remove the function of a fault, or bring it back. The log
// says when the fault stops and starts to have an effect.
func TestFunctionOfAFaultIsGone(t *testing.T) {
	var log bytes.Buffer
	in := fault.New(fault.Options{
		Functions: []string{"f", "g"},
		Log:       slog.New(slog.NewTextHandler(&log, nil)),
	})
	for _, f := range []fault.Fault{
		{Kind: fault.LambdaTwice, Target: "f", Probability: 1},
		{Kind: fault.LambdaTwice, Target: "*", Probability: 1},
		{Kind: fault.DynamoDBError, Target: "GetItem", Probability: 1},
	} {
		if _, err := in.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	const gone, back = "the function of a fault is gone", "the function of a fault is back"
	for _, step := range []struct {
		functions  []string
		gone, back int
	}{
		{[]string{"f", "g"}, 0, 0},
		{[]string{"g"}, 1, 0},
		{[]string{"h"}, 1, 0},
		{[]string{"f"}, 1, 1},
	} {
		in.SetFunctions(step.functions)
		g, b := strings.Count(log.String(), gone), strings.Count(log.String(), back)
		if g != step.gone || b != step.back {
			t.Fatalf("functions %q: %d lines that it is gone and %d that it is back, want %d and %d:\n%s",
				step.functions, g, b, step.gone, step.back, log.String())
		}
	}
	if !strings.Contains(log.String(), "function=f") {
		t.Errorf("the log does not name the function:\n%s", log.String())
	}
}
