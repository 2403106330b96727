package app

import (
	"io"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/sotto-chat/sotto/shared/post"
)

// patience bounds the wait for a response header. An instance that was frozen
// may continue with dead connections; the SDK then retries on another.
const patience = 3 * time.Second

// makingPatience bounds the wait for keys that another function makes. An RSA
// pair of 3072 bits takes seconds.
const makingPatience = 15 * time.Second

var (
	// client is the HTTP client for all of AWS. waitingClient is the one for
	// invocations that end only after the function's work.
	client        = newClient(patience)
	waitingClient = newClient(makingPatience)
)

// newClient keeps as many idle connections to one host as a fan-out uses. The
// SDK's default keeps ten, and the others would be dialled again for each
// message.
func newClient(patience time.Duration) httpClient {
	return httpClient{awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = post.Concurrency
		t.ResponseHeaderTimeout = patience
	})}
}

// httpClient hides that the SDK's request bodies implement io.WriterTo. The SDK
// closes a body when it has the response header. If net/http calls WriteTo only
// after that, it takes the error of the closed body for a failed write and
// drops the connection with the rest of the response (smithy-go v1.28.8). The
// SDK retries, up to seconds later.
type httpClient struct{ *awshttp.BuildableClient }

// Do sends a request as http.Client does.
func (c httpClient) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r = r.WithContext(r.Context()) // a copy, since the request is the caller's
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.BuildableClient.Do(r)
}
