package eventsource_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	functions "github.com/aws/aws-lambda-go/lambda"

	"github.com/sotto-chat/sotto/localstack/eventsource"
	"github.com/sotto-chat/sotto/localstack/lambda"
)

// TestMain runs the test binary as a function if Lambda has started it.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	functions.Start(report)
}

// report is a function that posts the keys of a batch to REPORT_TO. On the
// answer 409 it reports the record as failed, on any other but 200 it fails.
func report(ctx context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	var response events.DynamoDBEventResponse
	for _, r := range event.Records {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("REPORT_TO"),
			strings.NewReader(r.Change.Keys["pk"].String()))
		if err != nil {
			return response, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return response, err
		}
		answer.Body.Close()
		switch answer.StatusCode {
		case http.StatusOK:
		case http.StatusConflict:
			response.BatchItemFailures = append(response.BatchItemFailures,
				events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
			return response, nil
		default:
			return response, errors.New(answer.Status)
		}
	}
	return response, nil
}

// runner adapts the Lambda service.
type runner struct{ *lambda.Service }

func (r runner) Invoke(ctx context.Context, function string, payload []byte) (eventsource.Response, error) {
	result, err := r.Service.Invoke(ctx, function, payload)
	return eventsource.Response{
		Payload:       result.Payload,
		FunctionError: result.FunctionError,
		RequestID:     result.RequestID,
	}, err
}

// A process with aws-lambda-go gets the records. One record is first reported
// as failed, then fails with the function's error, then succeeds.
func TestE12_FunctionProcess(t *testing.T) {
	s := newStack(t)
	reports := make(chan string, 100)
	answers := map[string][]int{"b": {http.StatusConflict, http.StatusInternalServerError}}
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pk, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if left := answers[string(pk)]; len(left) > 0 { // one request at a time
			answers[string(pk)] = left[1:]
			w.WriteHeader(left[0])
		}
		reports <- string(pk)
	}))
	t.Cleanup(collector.Close)

	mux := http.NewServeMux()
	runtime := httptest.NewServer(mux)
	t.Cleanup(runtime.Close)
	service, err := lambda.New(lambda.Options{
		RuntimeAPI: strings.TrimPrefix(runtime.URL, "http://"),
		TempDir:    t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", service.RuntimeHandler())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), longEnough)
		defer cancel()
		if err := service.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Deploy([]lambda.Function{{
		Name:    "f",
		Binary:  binary,
		Dir:     filepath.Dir(binary),
		Timeout: 30 * time.Second,
		Env:     map[string]string{"REPORT_TO": collector.URL},
	}}); err != nil {
		t.Fatal(err)
	}
	s.opts.Invoker = runner{service}
	s.put("a", "b", "c")
	s.start(s.mapping(func(c *eventsource.Config) { c.ReportBatchItemFailures = true }))
	var got []string
	for len(got) < 5 {
		select {
		case pk := <-reports:
			got = append(got, pk)
		case <-time.After(2 * longEnough):
			t.Fatalf("timed out waiting for 5 reports; got %v", got)
		}
	}
	if want := []string{"a", "b", "b", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("the function got %q, want %q", got, want)
	}
}
