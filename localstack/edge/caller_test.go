package edge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/trace"
)

func TestServicesGetTheCaller(t *testing.T) {
	caller := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := trace.CallerOf(r.Context())
		fmt.Fprintf(w, "%q %q", c.Function, c.Invocation)
	})
	_, server := start(t, edge.Services{
		DynamoDB:   caller,
		Lambda:     caller,
		Management: caller,
		Gateway:    caller,
		Callers: func(id string) (trace.Caller, bool) {
			return trace.Caller{Function: "send", Invocation: "r1"}, id == "ASIASEND"
		},
	})
	const function, outside = `"send" "r1"`, `"" ""`
	auth := func(id, service string) http.Header {
		return headers("Authorization",
			"AWS4-HMAC-SHA256 Credential="+id+"/20261122/us-east-1/"+service+
				"/aws4_request, SignedHeaders=host, Signature=0")
	}
	query := "?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
		"&X-Amz-Credential=ASIASEND%2F20261122%2Fus-east-1%2Fexecute-api%2Faws4_request&X-Amz-Signature=0"
	for _, c := range []struct {
		name string
		request
		want string
	}{
		{"a function at DynamoDB", request{"POST", "/", "", auth("ASIASEND", "dynamodb")}, function},
		{"a function at Lambda", request{"POST", "/2015-03-31/functions/a/invocations", "",
			auth("ASIASEND", "lambda")}, function},
		{"a function at @connections", request{"POST", "/local/@connections/x", "",
			auth("ASIASEND", "execute-api")}, function},
		{"a function by a presigned URL", request{"POST", "/local/@connections/x" + query, "", nil}, function},
		{"a function opens a WebSocket", request{"GET", "/local" + query, "",
			upgrade()}, function},
		{"another key", request{"POST", "/", "", auth("AKIAOTHER", "dynamodb")}, outside},
		{"a key with a slash", request{"POST", "/", "", auth("ASIASEND/x", "dynamodb")}, outside},
		{"no scope", request{"POST", "/2015-03-31/functions", "",
			headers("Authorization", "AWS4-HMAC-SHA256 Credential=ASIASEND")}, outside},
		{"no key", request{"GET", "/local", "", nil}, outside},
	} {
		t.Run(c.name, func(t *testing.T) {
			if response, body := do(t, server, c.request); response.StatusCode != http.StatusOK || body != c.want {
				t.Errorf("got %d %s, want %s", response.StatusCode, body, c.want)
			}
		})
	}
}

// A page on another origin can write any URL, so its presigned URLs must not
// count as signed.
func TestPresignedURLsAreNotForPages(t *testing.T) {
	_, server := start(t, allServices())
	const path = "/2015-03-31/functions/a/invocations?X-Amz-Signature=0"
	for _, c := range []struct {
		name   string
		path   string
		header http.Header
		status int
	}{
		{"a program", path, nil, 200},
		{"the address bar", path, headers("Sec-Fetch-Site", "none"), 200},
		{"the stack's own page", path, headers("Sec-Fetch-Site", "same-origin", "Origin", server.URL), 200},
		{"an empty signature", "/2015-03-31/functions/a/invocations?X-Amz-Signature=", nil, 403},
		{"another site", path, headers("Sec-Fetch-Site", "cross-site"), 403},
		{"another port", path, headers("Sec-Fetch-Site", "same-site"), 403},
		{"another origin, from an old browser", path, headers("Origin", "https://evil.example"), 403},
		{"a file or sandbox", path, headers("Origin", "null"), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, body := do(t, server, request{"POST", c.path, "", c.header})
			if response.StatusCode != c.status {
				t.Errorf("got %d %s, want %d", response.StatusCode, body, c.status)
			}
		})
	}
}

func TestPageAndWeb(t *testing.T) {
	s := allServices()
	s.Page, s.Web, s.Stages = named("page"), named("web"), []string{"local"}
	_, server := start(t, s)
	crossSite := func(more ...string) http.Header { return headers(append(more, "Sec-Fetch-Site", "cross-site")...) }
	for _, c := range []struct {
		name string
		request
		status int
		text   string
	}{
		{"the page", request{"GET", "/_localstack/", "", nil}, 200, "page /_localstack/"},
		{"the page without its slash", request{"GET", "/_localstack", "", nil}, 200, "page /_localstack"},
		{"below the page", request{"GET", "/_localstack/tables/a", "", nil}, 200, "page /_localstack/tables/a"},
		{"a link to the page", request{"GET", "/_localstack/", "",
			crossSite("Sec-Fetch-Dest", "document")}, 200, "page"},
		{"health is not the page's", request{"GET", "/_localstack/health", "", nil}, 503, "starting"},
		{"faults are not the page's", request{"GET", "/_localstack/faults", "", nil}, 200, "faults"},
		{"the runtime is not the page's", request{"GET", "/_localstack/runtime", "", nil}, 404, "health"},
		{"writing to the page", request{"POST", "/_localstack/", "", nil}, 405, "This page is read-only."},
		{"the page in a frame", request{"GET", "/_localstack/", "", crossSite("Sec-Fetch-Dest", "iframe")},
			403, "Cross-origin requests are not allowed."},
		{"the page as a script", request{"GET", "/_localstack/", "", crossSite("Sec-Fetch-Dest", "script")},
			403, "Cross-origin requests are not allowed."},
		{"a WebSocket of another origin", request{"GET", "/_localstack/live", "",
			headers("Connection", "Upgrade", "Upgrade", "websocket", "Origin", "https://evil.example")},
			403, "Cross-origin requests are not allowed."},
		{"the page under a rebound name", request{"GET", "/_localstack/", "evil.example", nil}, 403, "evil.example"},

		{"the client", request{"GET", "/", "", nil}, 200, "web /"},
		{"a file of the client", request{"GET", "/assets/app.js", "", nil}, 200, "web /assets/app.js"},
		{"a path that begins like the stage", request{"GET", "/locals", "", nil}, 200, "web /locals"},
		{"the stage", request{"GET", "/local", "", nil}, 200, "gateway /local"},
		{"below the stage", request{"GET", "/local/x", "", nil}, 200, "gateway /local/x"},
		{"a WebSocket at the root", request{"GET", "/", "",
			upgrade()}, 200, "gateway /"},
		{"writing goes to the gateway", request{"POST", "/assets/app.js", "", nil}, 200, "gateway /assets/app.js"},
		{"AWS requests go to their service", request{"POST", "/", "", signedFor("kms")}, 200, "kms /"},
		{"other services are refused", request{"GET", "/bucket/key", "", signedFor("s3")}, 400,
			"not part of this stack"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, body := do(t, server, c.request)
			if response.StatusCode != c.status || !strings.Contains(body, c.text) {
				t.Errorf("got %d %s, want %d with %q", response.StatusCode, body, c.status, c.text)
			}
		})
	}
}
