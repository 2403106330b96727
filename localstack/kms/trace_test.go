package kms_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/localstack/trace"
	"github.com/sotto-chat/sotto/localstack/trace/tracetest"
)

func TestEveryRequestIsTraced(t *testing.T) {
	events := &tracetest.Recorder{}
	s, err := kms.Open(kms.Options{Dir: t.TempDir(), Account: "000000000000", Region: "eu-central-1", Trace: events})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Aliases: []string{"alias/app"}}); err != nil {
		t.Fatal(err)
	}
	caller := trace.Caller{Function: "send", Invocation: "8f5c1d1e"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(trace.WithCaller(r.Context(), caller)))
	}))
	client := awskms.New(awskms.Options{
		BaseEndpoint: aws.String(server.URL),
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	sealed, err := client.Encrypt(t.Context(), &awskms.EncryptInput{
		KeyId:     aws.String("alias/app"),
		Plaintext: []byte("x"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}); err != nil {
		t.Fatal(err)
	}
	_, err = client.Decrypt(t.Context(), &awskms.DecryptInput{
		CiphertextBlob:    sealed.CiphertextBlob,
		EncryptionContext: map[string]string{"a": "b"},
	})
	wantException(t, err, "InvalidCiphertextException", "")
	_, err = client.ScheduleKeyDeletion(t.Context(), &awskms.ScheduleKeyDeletionInput{KeyId: aws.String("0")})
	if err == nil {
		t.Error("ScheduleKeyDeletion of a missing key: got no error, want one")
	}
	server.Close() // waits for the handlers
	got := events.Events()
	want := []trace.Event{
		{Operation: "Encrypt", Resource: keyID, Status: 200},
		{Operation: "Decrypt", Resource: keyID, Status: 200},
		{Operation: "Decrypt", Resource: keyID, Status: 400, Error: "InvalidCiphertextException"},
	}
	if len(got) != len(want)+1 {
		t.Fatalf("got %d events, want %d", len(got), len(want)+1)
	}
	ids := map[string]bool{}
	for i, w := range want {
		g := got[i]
		if g.Kind != trace.Request || g.At.IsZero() || g.Duration <= 0 || g.Function != caller.Function ||
			g.Invocation != caller.Invocation || ids[g.RequestID] {
			t.Errorf("event %d: got %+v, want a request of %+v with a time, a duration and an id", i, g, caller)
		}
		ids[g.RequestID] = true
		if g.Operation != w.Operation || g.Resource != w.Resource || g.Status != w.Status || g.Error != w.Error {
			t.Errorf("event %d: got %+v, want %+v", i, g, w)
		}
	}
	if last := got[len(want)]; last.Status != 400 || last.Error == "" || last.Resource != "" {
		t.Errorf("request for a missing key: got %+v, want status 400 and no resource", last)
	}
}

// countingWriter records how many events had been emitted when the response
// began.
type countingWriter struct {
	*httptest.ResponseRecorder
	events *tracetest.Recorder
	before int
}

func (w *countingWriter) WriteHeader(status int) {
	w.before = len(w.events.Events())
	w.ResponseRecorder.WriteHeader(status)
}

// A client that has the response must find the event in the trace, as on the
// inspector's page.
func TestEventIsEmittedBeforeTheResponse(t *testing.T) {
	events := &tracetest.Recorder{}
	s, err := kms.Open(kms.Options{Dir: t.TempDir(), Account: "000000000000", Region: "eu-central-1", Trace: events})
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"ListKeys", "NoSuchOperation"} {
		w := &countingWriter{ResponseRecorder: httptest.NewRecorder(), events: events}
		want := len(events.Events()) + 1
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
		r.Header.Set("X-Amz-Target", "TrentService."+operation)
		s.ServeHTTP(w, r)
		if w.before != want {
			t.Errorf("%s: %d events before the response, want %d", operation, w.before, want)
		}
	}
}

func TestLookup(t *testing.T) {
	client, s := start(t, t.TempDir())
	if err := s.Ensure(kms.KeyOptions{ID: keyID, Aliases: []string{"alias/b", "alias/a"}}); err != nil {
		t.Fatal(err)
	}
	sealed, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: aws.String(keyID), Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id         string
		ciphertext []byte
		want       bool
	}{{keyID, nil, true}, {keyARN, nil, true}, {"alias/a", nil, true}, {"", sealed.CiphertextBlob, true},
		{"alias/c", nil, false}, {"", []byte("no ciphertext"), false}, {"", nil, false}} {
		info, ok := s.Lookup(c.id, c.ciphertext)
		if ok != c.want || ok && (info.ARN != keyARN || info.ID != keyID ||
			!slices.Equal(info.Aliases, []string{"alias/a", "alias/b"}) || info.Spec != "SYMMETRIC_DEFAULT") {
			t.Errorf("Lookup(%q): got %+v, %t, want found %t", c.id, info, ok, c.want)
		}
	}
}
