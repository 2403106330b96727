package dynamodb

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/sotto-chat/sotto/localstack/trace"
	"github.com/sotto-chat/sotto/localstack/trace/tracetest"
)

// loseAnswers loses the answer of every PutItem.
type loseAnswers LostAnswer

func (loseAnswers) Before(string, Request) Refusal { return RefuseNothing }

func (l loseAnswers) After(operation string, _ Request) LostAnswer {
	if operation != "PutItem" {
		return LostAnswer{}
	}
	return LostAnswer(l)
}

// lockedBuffer is a buffer for a logger of several goroutines.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// A request whose answer is lost was committed, so it is in the trace, the bill
// and the log.
func TestLostAnswerIsTraced(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lost   LostAnswer
		status int
		code   string
	}{
		{"connection dropped", LostAnswer{Lost: true}, 0, "ConnectionDropped"},
		{"internal error", LostAnswer{Lost: true, Internal: true}, 500, "InternalServerError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var recorder tracetest.Recorder
			var log lockedBuffer
			f := open(t, Options{
				Trace:  &recorder,
				Faults: loseAnswers(tt.lost),
				Log:    slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			f.createTable(t, "notes", "pk S", nil, nil)
			_, err := f.PutItem(t.Context(), &sdk.PutItemInput{
				TableName: aws.String("notes"),
				Item:      item{"pk": str("1")},
			})
			if err == nil {
				t.Fatal("PutItem succeeded, want an error for its lost answer")
			}
			got := last(t, &recorder)
			if got.Kind != trace.Request || got.Operation != "PutItem" || got.Resource != "notes" ||
				got.Status != tt.status || got.Error != tt.code || got.RequestID == "" || got.WriteUnits != 1 {
				t.Errorf("traced %+v, want a PutItem on notes with status %d, error %s and 1 write unit",
					got, tt.status, tt.code)
			}
			if lines := log.String(); !strings.Contains(lines, "operation=PutItem table=notes") {
				t.Errorf("logged %q, want a line for the PutItem", lines)
			}
			if got := f.get(t, "notes", item{"pk": str("1")}); got == nil {
				t.Error("got no item, want the committed one")
			}
		})
	}
}
