package post

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/shared/room"
)

// courier returns a courier to a Lambda API that answers with the statuses in
// turn, the last for ever, and the requests it got.
func courier(t *testing.T, statuses ...int) (*Courier, *atomic.Pointer[string]) {
	t.Helper()
	var calls atomic.Int64
	var last atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Amz-Invocation-Type") + " " + string(body)
		last.Store(&got)
		w.WriteHeader(statuses[min(int(calls.Add(1)), len(statuses))-1])
	}))
	t.Cleanup(server.Close)
	return NewCourier(lambda.New(lambda.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &server.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), "deliver"), &last
}

// TestHandOver also keeps what rests in Lambda's queue: a place in the log and
// a range of connections, and nothing of the message.
func TestHandOver(t *testing.T) {
	for name, statuses := range map[string][]int{"at once": {202}, "at the second try": {500, 202}} {
		t.Run(name, func(t *testing.T) {
			c, last := courier(t, statuses...)
			if err := c.HandOver(t.Context(), room.Chunk{
				Room:  "den",
				Epoch: "e",
				Seq:   7,
				First: "A=",
				Last:  "b=",
			}); err != nil {
				t.Fatal(err)
			}
			want := `POST /2015-03-31/functions/deliver/invocations Event {"room":"den","epoch":"e","seq":7,"first":"A=","last":"b="}`
			if *last.Load() != want {
				t.Errorf("got  %s\nwant %s", *last.Load(), want)
			}
		})
	}
}

func TestHandOverThatIsRefused(t *testing.T) {
	c, _ := courier(t, http.StatusForbidden)
	if err := c.HandOver(t.Context(), room.Chunk{}); err == nil {
		t.Error("got no error for a refused invocation")
	}
}
