package static_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/sotto-chat/sotto/localstack/static"
)

// A web client is served beside a WebSocket on the same origin.
func ExampleHandler() {
	dir, err := os.MkdirTemp("", "dist-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<!doctype html>"), 0o644); err != nil {
		log.Fatal(err)
	}
	handler, err := static.Handler(static.Options{
		Dir:       dir,
		WebSocket: func(r *http.Request) string { return "ws://" + r.Host + "/live" },
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"/", "/config.json", "/missing.js"} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:4566"+path, nil))
		fmt.Println(path, answer.Code, answer.Header().Get("Content-Type"))
	}
	// Output:
	// / 200 text/html; charset=utf-8
	// /config.json 200 application/json
	// /missing.js 404 text/plain; charset=utf-8
}
