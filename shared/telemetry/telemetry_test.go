package telemetry

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

func TestSecretsAreTakenOut(t *testing.T) {
	const token = "eyJhbGciOiJFZERTQSJ9.eyJib2R5IjoiaGVsbG8ifQ.c2lnbmF0dXJl"
	var out bytes.Buffer
	log := NewLogger(&out, "sendmessage")
	log.Error("it failed", "err", errors.New("cannot open "+token), "text", token, "body", "hello", "room", "lobby")
	line := out.String()
	for _, secret := range []string{token, "eyJ", "hello", "c2lnbmF0dXJl"} {
		if strings.Contains(line, secret) {
			t.Errorf("the line shows %q: %s", secret, line)
		}
	}
	for _, shown := range []string{`"room":"lobby"`, `"function":"sendmessage"`, "cannot open [token]"} {
		if !strings.Contains(line, shown) {
			t.Errorf("the line lacks %q: %s", shown, line)
		}
	}
}

func TestRequestIDIsThere(t *testing.T) {
	var out bytes.Buffer
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	NewLogger(&out, "ping").With("a", 1).InfoContext(ctx, "hello")
	if !strings.Contains(out.String(), `"requestId":"id-1"`) {
		t.Errorf("no request id: %s", out.String())
	}
}
