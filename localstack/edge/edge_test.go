package edge_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/edge"
)

// named returns a handler that answers with its name and the path.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, name, " ", r.URL.EscapedPath())
	})
}

// allServices returns services that answer with their names.
func allServices() edge.Services {
	return edge.Services{
		DynamoDB:   named("dynamodb"),
		KMS:        named("kms"),
		Lambda:     named("lambda"),
		Runtime:    named("runtime"),
		Gateway:    named("gateway"),
		Management: named("management"),
		Faults:     named("faults"),
	}
}

// start serves an edge with these services on a real port until the end of the
// test.
func start(t *testing.T, s edge.Services) (*edge.Edge, *httptest.Server) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	e, err := edge.New(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	e.Serve(s)
	server.Config.Handler = e
	server.Start()
	t.Cleanup(server.Close)
	return e, server
}

// request is a request to an edge; an empty host is that of the server.
type request struct {
	method, path, host string
	header             http.Header
}

// headers returns the header with pairs of names and values.
func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// signedFor returns the header of a request that is signed for a service, with
// more pairs of names and values.
func signedFor(service string, more ...string) http.Header {
	return headers(append(more, "Authorization",
		"AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/"+service+
			"/aws4_request, SignedHeaders=host, Signature=0")...)
}

// do sends the request and returns the response with its body read.
func do(t *testing.T, server *httptest.Server, q request) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, server.URL+q.path, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if q.header != nil {
		r.Header = q.header
	}
	r.Host = q.host
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return response, read(t, response)
}

// read returns the body of a response.
func read(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestRequestsReachTheirServices(t *testing.T) {
	_, server := start(t, allServices())
	keptAlive := headers("Connection", "keep-alive, Upgrade", "Upgrade", "websocket")
	for _, c := range []struct {
		name string
		request
		want string
	}{
		{"DynamoDB by target", request{"POST", "/", "",
			signedFor("dynamodb", "X-Amz-Target", "DynamoDB_20120810.GetItem")}, "dynamodb /"},
		{"streams by target", request{"POST", "/", "",
			signedFor("dynamodb", "X-Amz-Target", "DynamoDBStreams_20120810.ListStreams")}, "dynamodb /"},
		{"DynamoDB by scope", request{"POST", "/", "", signedFor("dynamodb")}, "dynamodb /"},
		{"DynamoDB by AWS's name", request{"POST", "/", "dynamodb.us-east-1.amazonaws.com",
			signedFor("dynamodb", "X-Amz-Target", "DynamoDB_20120810.GetItem")}, "dynamodb /"},
		{"KMS by target", request{"POST", "/", "", signedFor("kms", "X-Amz-Target", "TrentService.Encrypt")}, "kms /"},
		{"KMS by scope", request{"POST", "/", "", signedFor("kms")}, "kms /"},
		{"invocation", request{"POST", "/2015-03-31/functions/a/invocations", "", signedFor("lambda")},
			"lambda /2015-03-31/functions/a/invocations"},
		{"invocation with a stream", request{"POST", "/2021-11-15/functions/a/response-streaming-invocations", "",
			signedFor("lambda")}, "lambda /2021-11-15/functions/a/response-streaming-invocations"},
		{"a control call", request{"PUT", "/2017-10-31/functions/a/concurrency", "", signedFor("lambda")},
			"lambda /2017-10-31/functions/a/concurrency"},
		{"a path that Lambda does not have", request{"GET", "/local", "", signedFor("lambda")}, "lambda /local"},
		{"a path that DynamoDB does not have", request{"GET", "/local", "", signedFor("dynamodb")}, "dynamodb /local"},
		{"a method that KMS does not have", request{"GET", "/", "", signedFor("kms")}, "kms /"},
		{"runtime", request{"GET", "/_localstack/runtime/w1/2018-06-01/runtime/invocation/next", "", nil},
			"runtime /w1/2018-06-01/runtime/invocation/next"},
		{"faults, read", request{"GET", "/_localstack/faults", "", nil}, "faults /_localstack/faults"},
		{"faults, with their header", request{"POST", "/_localstack/faults", "",
			headers("X-Localstack-Faults", "1")}, "faults /_localstack/faults"},
		{"faults, signed", request{"DELETE", "/_localstack/faults/3", "", signedFor("lambda")},
			"faults /_localstack/faults/3"},
		{"upgrade of a stage", request{"GET", "/local", "", keptAlive}, "gateway /local"},
		{"upgrade of the root", request{"GET", "/", "", keptAlive}, "gateway /"},
		{"upgrade by AWS's name", request{"GET", "/prod", "a1b2c3.execute-api.us-east-1.amazonaws.com",
			keptAlive}, "gateway /prod"},
		{"plain GET of a stage", request{"GET", "/local", "", nil}, "gateway /local"},
		{"post with a stage", request{"POST", "/local/@connections/eHr%3D", "", signedFor("execute-api")},
			"management /local/@connections/eHr%3D"},
		{"post without a stage", request{"DELETE", "/@connections/eHr=", "", signedFor("execute-api")},
			"management /@connections/eHr="},
		{"post, escaped", request{"POST", "/local/%40connections/eHr%3D", "", signedFor("execute-api")},
			"management /local/%40connections/eHr%3D"},
		{"a path in a stage", request{"POST", "/local/a/@connections/x", "", nil}, "gateway /local/a/@connections/x"},
		{"a longer name in a stage", request{"POST", "/local/@connectionsx", "", nil}, "gateway /local/@connectionsx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, body := do(t, server, c.request)
			if response.StatusCode != http.StatusOK || body != c.want {
				t.Errorf("got %d %q, want %q", response.StatusCode, body, c.want)
			}
			if response.Header.Get("X-Amzn-Requestid") == "" {
				t.Error("got no X-Amzn-Requestid, want one")
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	_, server := start(t, allServices())
	for _, c := range []struct {
		name string
		request
		status    int
		exception string
		text      string
	}{
		{"unsigned DynamoDB", request{"POST", "/", "",
			headers("X-Amz-Target", "DynamoDB_20120810.GetItem")}, 400,
			"MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"unsigned KMS", request{"POST", "/", "", headers("X-Amz-Target", "TrentService.Decrypt")}, 400,
			"MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"unsigned form", request{"POST", "/", "", headers("Content-Type", "text/plain")}, 400,
			"MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"unsigned invocation", request{"POST", "/2015-03-31/functions/a/invocations", "", nil}, 403,
			"MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"unsigned post", request{"POST", "/local/@connections/a", "", nil}, 403,
			"MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"unknown target", request{"POST", "/", "", signedFor("dynamodb", "X-Amz-Target", "Nothing.Do")},
			400, "UnknownOperationException", "Nothing.Do"},
		{"no target, no scope", request{"POST", "/", "", headers("Authorization", "Bearer x")}, 400,
			"UnknownOperationException", "dynamodb"},
		{"a service of JSON", request{"POST", "/", "",
			signedFor("sqs", "X-Amz-Target", "AmazonSQS.SendMessage")}, 400, "UnknownOperationException", "sqs"},
		{"a service of XML", request{"POST", "/", "",
			signedFor("sts", "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")}, 400, "",
			"<ErrorResponse><Error><Code>UnknownOperationException</Code>"},
		{"S3, whose paths look like stages", request{"GET", "/bucket/key", "", signedFor("s3")}, 400, "",
			"<Error><Code>UnknownOperationException</Code>"},
		{"a rebound name", request{"GET", "/_localstack/health", "evil.example", nil}, 403,
			"AccessDeniedException", "evil.example"},
		{"a rebound name with a port", request{"POST", "/", "evil.example:4566", signedFor("dynamodb")},
			403, "AccessDeniedException", "evil.example"},
		{"a lookalike of AWS's names", request{"GET", "/local",
			"dynamodb.us-east-1.amazonaws.com.evil.example", nil}, 403, "AccessDeniedException", ""},
		{"a customer's machine at AWS", request{"GET", "/local", "ec2-1-2-3-4.compute-1.amazonaws.com",
			nil}, 403, "AccessDeniedException", ""},
		{"another address", request{"GET", "/local", "192.0.2.1", nil}, 403, "AccessDeniedException", ""},
		{"a page calls the runtime", request{"GET",
			"/_localstack/runtime/w1/2018-06-01/runtime/invocation/next", "",
			headers("Sec-Fetch-Site", "cross-site")}, 403, "AccessDeniedException", "web pages"},
		{"a page posts to the runtime", request{"POST",
			"/_localstack/runtime/w1/2018-06-01/runtime/init/error", "",
			headers("Origin", "https://evil.example")}, 403, "AccessDeniedException", "web pages"},
		{"a page posts a fault", request{"POST", "/_localstack/faults", "",
			headers("Origin", "https://evil.example", "Content-Type", "text/plain")}, 403,
			"MissingAuthenticationTokenException", "X-Localstack-Faults"},
		{"a preflight request of a page", request{"OPTIONS", "/_localstack/faults", "",
			headers("Origin", "https://evil.example", "Access-Control-Request-Headers",
				"x-localstack-faults")}, 403, "MissingAuthenticationTokenException", "web pages"},
		{"a fault under a rebound name", request{"POST", "/_localstack/faults", "evil.example",
			headers("X-Localstack-Faults", "1")}, 403, "AccessDeniedException", "evil.example"},
		{"a longer name than faults", request{"POST", "/_localstack/faultsx", "",
			headers("X-Localstack-Faults", "1")}, 404, "", "/_localstack/health"},
		{"another own path", request{"GET", "/_localstack/none", "", nil}, 404, "", "/_localstack/health"},
		{"the runtime's prefix alone", request{"GET", "/_localstack/runtime", "", nil}, 404, "", "/_localstack/health"},
		{"DELETE /", request{"DELETE", "/", "", nil}, 405, "", "GET, HEAD and POST"},
		{"POST health", request{"POST", "/_localstack/health", "", nil}, 405, "", "read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, body := do(t, server, c.request)
			if response.StatusCode != c.status || !strings.Contains(body, c.text) {
				t.Errorf("got %d %s, want %d with %q", response.StatusCode, body, c.status, c.text)
			}
			if got := response.Header.Get("X-Amzn-Errortype"); got != c.exception {
				t.Errorf("got exception %q, want %q", got, c.exception)
			}
			if response.Header.Get("X-Amzn-Requestid") == "" {
				t.Error("got no X-Amzn-Requestid, want one")
			}
			if got := response.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("got Access-Control-Allow-Origin %q, want none", got)
			}
		})
	}
}

func TestHostHeaders(t *testing.T) {
	for _, c := range []struct {
		listen string
		host   string
		ok     bool
	}{
		{"127.0.0.1:4566", "127.0.0.1:4566", true},
		{"127.0.0.1:4566", "127.0.0.1", true},
		{"127.0.0.1:4566", "127.8.8.8:1", true},
		{"127.0.0.1:4566", "localhost:4566", true},
		{"127.0.0.1:4566", "LOCALHOST.:4566", true},
		{"127.0.0.1:4566", "api.localhost", true},
		{"127.0.0.1:4566", "[::1]:4566", true},
		{"127.0.0.1:4566", "[::ffff:127.0.0.1]:4566", true},
		{"127.0.0.1:4566", "localhost.evil.example", false},
		{"127.0.0.1:4566", "evillocalhost", false},
		{"127.0.0.1:4566", "10.0.0.1", false},
		{"10.0.0.1:4566", "10.0.0.1:4566", true},
		{"10.0.0.1:4566", "10.0.0.2:4566", false},
		{"0.0.0.0:4566", "10.0.0.2:4566", true},
		{"[::]:4566", "[fe80::1]:4566", true},
		{":4566", "10.0.0.2:4566", true},
		{"0.0.0.0:4566", "evil.example:4566", false},
		{"box.lan:4566", "box.lan:4566", true},
		{"box.lan:4566", "Box.LAN", true},
		{"box.lan:4566", "other.lan", false},
		{"127.0.0.1:4566", "kms.eu-central-1.amazonaws.com", true},
		{"127.0.0.1:4566", "streams.dynamodb.us-east-1.amazonaws.com", true},
		{"127.0.0.1:4566", "lambda.cn-north-1.amazonaws.com.cn", true},
		{"127.0.0.1:4566", "abc-123.us-east-1.elb.amazonaws.com", false},
		{":4566", "", false},
	} {
		e, err := edge.New(c.listen)
		if err != nil {
			t.Fatal(err)
		}
		e.Serve(allServices())
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if ok := w.Header().Get("X-Amzn-Errortype") != "AccessDeniedException"; ok != c.ok {
			t.Errorf("listening on %s, Host %q: got served %t (%d), want %t", c.listen, c.host, ok, w.Code, c.ok)
		}
	}
}

func TestHealthUntilReady(t *testing.T) {
	e, server := start(t, edge.Services{})
	read := func() (int, edge.Health) {
		response, body := do(t, server, request{method: "GET", path: edge.HealthPath})
		var h edge.Health
		if err := json.Unmarshal([]byte(body), &h); err != nil {
			t.Fatalf("got health %s, want JSON", body)
		}
		if strings.Contains(body, "null") {
			t.Errorf("got health %s, want no null", body)
		}
		return response.StatusCode, h
	}
	if status, h := read(); status != 503 || h.Doing != "starting" {
		t.Errorf("at first: got %d %q, want 503 starting", status, h.Doing)
	}
	e.SetDoing("building functions")
	if status, h := read(); status != 503 || h.Doing != "building functions" {
		t.Errorf("during the build: got %d %q, want 503 building functions", status, h.Doing)
	}
	e.SetHealth(edge.Health{
		Services:  map[string]string{"dynamodb": "running"},
		Functions: []string{"f"},
		Routes:    []string{"$connect"},
		WebSocket: "ws://127.0.0.1:1/local",
		PID:       7,
	})
	status, h := read()
	if status != 200 || h.Doing != "" || h.Services["dynamodb"] != "running" || h.WebSocket == "" || h.PID != 7 {
		t.Errorf("ready: got %d %+v, want 200 and the health that was set", status, h)
	}
	e.SetDoing("stopping")
	if status, h := read(); status != 503 || h.PID != 7 {
		t.Errorf("stopping: got %d %+v, want 503 and PID 7", status, h)
	}
}

// A browser that opens a page before there is one gets another that loads
// itself again; programs get the status alone.
func TestPagesUntilReady(t *testing.T) {
	e, server := start(t, edge.Services{})
	e.SetDoing("building <17> functions")
	browser := headers("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for _, path := range []string{"/", "/_localstack/", "/rooms/lobby"} {
		response, body := do(t, server, request{"GET", path, "", browser})
		if response.StatusCode != 503 || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") ||
			!strings.Contains(body, "building &lt;17&gt; functions") ||
			!strings.Contains(body, `http-equiv="refresh"`) {
			t.Errorf("%s: got %d %s, want 503 and a page that loads itself again", path, response.StatusCode, body)
		}
		if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: got the policy %q, want a strict one", path, policy)
		}
	}
	response, body := do(t, server, request{"GET", "/_localstack/", "", nil})
	if response.StatusCode != 503 || !strings.Contains(body, "the stack is building") {
		t.Errorf("a program: got %d %s, want 503 and what the stack is doing", response.StatusCode, body)
	}
	response, body = do(t, server, request{"GET", edge.HealthPath, "", browser})
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		t.Errorf("the health in a browser: got %s, want JSON", body)
	}
	response, _ = do(t, server, request{"GET", "/", "evil.example", browser})
	if response.StatusCode != 403 {
		t.Errorf("a foreign host name: got %d, want 403", response.StatusCode)
	}
	e.SetHealth(edge.Health{})
	services := allServices()
	services.Page = http.NotFoundHandler()
	e.Serve(services)
	e.SetDoing("stopping")
	if _, body := do(t, server, request{"GET", "/_localstack/", "", browser}); strings.Contains(body, "refresh") {
		t.Errorf("while the services stop: got %s, want the page of the stack", body)
	}
}

func TestAbsentServicesAreNamed(t *testing.T) {
	e, server := start(t, edge.Services{})
	requests := map[string]request{
		"DynamoDB":    {"POST", "/", "", signedFor("dynamodb")},
		"KMS":         {"POST", "/", "", signedFor("kms")},
		"Lambda":      {"POST", "/2015-03-31/functions/a/invocations", "", signedFor("lambda")},
		"API Gateway": {"GET", "/local", "", nil},
		"management":  {"POST", "/local/@connections/a", "", signedFor("execute-api")},
	}
	check := func(status int, text string) {
		t.Helper()
		for name, q := range requests {
			response, body := do(t, server, q)
			if response.StatusCode != status || !strings.Contains(body, name) || !strings.Contains(body, text) {
				t.Errorf("%s: got %d %s, want %d with %q", name, response.StatusCode, body, status, text)
			}
			if response.Header.Get("X-Amzn-Errortype") == "" {
				t.Errorf("%s: got no X-Amzn-Errortype, want an exception for SDKs", name)
			}
		}
	}
	e.SetDoing("building functions")
	check(503, "building functions")
	e.SetHealth(edge.Health{})
	check(404, "the template has no")
}

func TestWelcomePage(t *testing.T) {
	e, server := start(t, allServices())
	e.SetHealth(edge.Health{Functions: []string{"b", "a"}, WebSocket: "ws://127.0.0.1:1/local"})
	response, body := do(t, server, request{method: "GET", path: "/"})
	if got := response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		t.Errorf("got content type %q, want text/plain", got)
	}
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ws://127.0.0.1:1/local", "AWS_ENDPOINT_URL=http://" + address.Host,
		edge.HealthPath, "a, b"} {
		if !strings.Contains(body, want) {
			t.Errorf("got page without %q:\n%s", want, body)
		}
	}
}
