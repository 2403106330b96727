package app

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// body is a request body with a WriteTo that fails, like a closed one of the
// SDK.
type body struct{ io.Reader }

func (body) Close() error                     { return nil }
func (body) WriteTo(io.Writer) (int64, error) { return 0, errors.New("closed") }

func TestBodiesAreRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Body = body{strings.NewReader("hello")}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "hello" {
		t.Errorf("got %q and error %v, want hello", text, err)
	}
	if _, same := request.Body.(body); !same {
		t.Error("the caller's request was changed")
	}
}
