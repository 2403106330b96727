package edge_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/edge"
)

// Each kind of refusal is in the log once, and every refusal if all are asked
// for.
func TestRefusalsAreLogged(t *testing.T) {
	for _, all := range []bool{false, true} {
		e, err := edge.New("127.0.0.1:4566")
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		e.Log(slog.New(slog.NewTextHandler(&log, nil)), all)
		e.Serve(allServices())
		for _, request := range []func() *http.Request{
			func() *http.Request { return httptest.NewRequest("GET", "http://evil.example/", nil) },
			func() *http.Request { return httptest.NewRequest("POST", "http://localhost/local/@connections/a", nil) },
			func() *http.Request {
				r := httptest.NewRequest("POST", "http://localhost/", nil)
				r.Header.Set("Authorization", signature("sqs"))
				return r
			},
			func() *http.Request {
				r := httptest.NewRequest("GET", "http://localhost/bucket", nil)
				r.Header.Set("Authorization", signature("s3"))
				return r
			},
		} {
			log.Reset()
			want := 1
			for range 2 {
				r := request()
				r.RequestURI, r.URL.Scheme, r.URL.Host = r.URL.Path, "", ""
				e.ServeHTTP(httptest.NewRecorder(), r)
			}
			if all {
				want = 2
			}
			if got := strings.Count(log.String(), "request refused"); got != want {
				t.Errorf("all %v: got %d lines of two refusals, want %d:\n%s", all, got, want, &log)
			}
		}
	}
}

func signature(service string) string {
	return "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/" + service +
		"/aws4_request, SignedHeaders=host, Signature=0"
}
