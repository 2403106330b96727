package dynamodb

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// rawClient speaks the protocol without an SDK, for tests and benchmarks in which
// the client must cost little.
type rawClient struct {
	url  string
	http *http.Client
}

// newRawClient keeps up to so many connections.
func newRawClient(url string, connections int) *rawClient {
	return &rawClient{url, &http.Client{Transport: &http.Transport{
		MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, DisableCompression: true}}}
}

// call sends one request; an answer other than 200 is an error.
func (c *rawClient) call(operation, body string) (string, error) {
	r, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Amz-Target", targetPrefix+operation)
	// dynalite wants the form of a signature, and nobody checks it.
	r.Header.Set("X-Amz-Date", "20261101T000000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20261101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b")
	answer, err := c.http.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", operation, answer.Status, text)
	}
	return string(text), err
}
