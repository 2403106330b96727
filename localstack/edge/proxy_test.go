package edge_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// management serves @connections: posts to stage prod succeed, and the
// connections of all other stages are gone. It keeps the requests.
type management struct {
	mu   sync.Mutex
	seen []string // one line for each request
}

func (m *management) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.seen = append(m.seen, fmt.Sprint(r.Host, r.URL.EscapedPath(), " by ",
		trace.CallerOf(r.Context()).Function, " TLS ", r.TLS != nil))
	m.mu.Unlock()
	if !strings.HasPrefix(r.URL.Path, "/prod/") {
		w.Header().Set("x-amzn-ErrorType", "GoneException")
		w.WriteHeader(http.StatusGone)
	}
}

// TestUnmodifiedProgramsReachAWSByItsNames runs real SDK clients without an
// endpoint setting, in a process that has only the environment of Access.
func TestUnmodifiedProgramsReachAWSByItsNames(t *testing.T) {
	tables, err := dynamodb.Open(dynamodb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	text := func(s string) *string { return &s }
	err = tables.EnsureTable(t.Context(), dynamodb.CreateTableInput{
		TableName:            text("rooms"),
		BillingMode:          "PAY_PER_REQUEST",
		AttributeDefinitions: []dynamodb.AttributeDefinition{{AttributeName: "id", AttributeType: "S"}},
		KeySchema:            []dynamodb.KeySchemaElement{{AttributeName: "id", KeyType: "HASH"}},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := kms.Open(kms.Options{Dir: t.TempDir(), Account: "000000000000", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	const key = "1234abcd-12ab-34cd-56ef-1234567890ab"
	if err := keys.Ensure(kms.KeyOptions{ID: key}); err != nil {
		t.Fatal(err)
	}
	posts := &management{}
	p := startProxy(t, edge.Services{
		DynamoDB:   tables,
		KMS:        keys,
		Management: posts,
		Page:       named("page"),
		Domains:    []string{"ws.example.com"},
		Gateway: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ws, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer ws.CloseNow()
			if err := ws.Write(r.Context(), websocket.MessageText, []byte(r.Host+r.URL.Path)); err != nil {
				t.Error(err)
			}
		}),
		Callers: func(id string) (trace.Caller, bool) { return trace.Caller{Function: "send"}, id == "ASIASEND" },
	}, false)

	const api = "a1b2c3.execute-api.us-east-1.amazonaws.com"
	steps := []struct{ step, want string }{
		{"tables=", "rooms"},
		{"item=rooms", "1"},
		{"account=123456789012", "rooms"},
		{"secret=" + key, "text"},
		{"post=https://" + api + "/prod", "posted"},
		{"post=https://" + api + "/other", "gone"},
		{"post=https://ws.example.com/v1", "gone"},
		{"get=http://" + p.Address + "/_localstack/", "200 OK page /_localstack/"},
	}
	env := p.Environment("send")
	if env["AWS_CA_BUNDLE"] == "" { // without it, Go reads no file of roots on this system
		steps = append(steps, struct{ step, want string }{"socket=wss://" + api + "/prod", api + "/prod"})
	}
	var list []string
	for _, s := range steps {
		list = append(list, s.step)
	}
	for i, line := range runFunction(t, env, list...) {
		if line != steps[i].want {
			t.Errorf("%s: got %s, want %s", steps[i].step, line, steps[i].want)
		}
	}
	posts.mu.Lock()
	defer posts.mu.Unlock()
	if want := api + "/prod/@connections/eHr%3D by send TLS true"; len(posts.seen) != 3 || posts.seen[0] != want {
		t.Errorf("got posts %q, want 3 of which the first is %q", posts.seen, want)
	}
	if text := p.log.String(); text != "" {
		t.Errorf("got log %s, want none", text)
	}
}

func TestOtherHostsAreRefusedWithALine(t *testing.T) {
	p := startProxy(t, allServices(), false)
	cases := []struct{ url, line, answer string }{
		{
			"https://example.com/x",
			"example.com:443: functions have no network access; -allow-network allows it", "",
		},
		{
			"http://example.com/x",
			"example.com: functions have no network access; -allow-network allows it", "403",
		},
		{"https://sqs.us-east-1.amazonaws.com/",
			"sqs.us-east-1.amazonaws.com:443: this stack serves only dynamodb", ""},
		{"https://bucket.s3.amazonaws.com/", "bucket.s3.amazonaws.com:443: this stack serves only dynamodb", ""},
		{"http://169.254.169.254/latest/meta-data/", "169.254.169.254: functions have no network access", "403"},
		{"http://a1b2c3.execute-api.us-east-1.amazonaws.com/prod",
			"a1b2c3.execute-api.us-east-1.amazonaws.com: AWS serves this name by https only", "403"},
		{"https://kms.us-east-1.amazonaws.com:8443/",
			"kms.us-east-1.amazonaws.com:8443: AWS serves this name on port 443 only", ""},
	}
	var steps []string
	for _, c := range cases {
		steps = append(steps, "get="+c.url)
	}
	answers := runFunction(t, p.Environment("send"), steps...)
	lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("got %d log lines, want one for each of %d refusals:\n%s", len(lines), len(cases), p.log)
	}
	for i, c := range cases {
		if !strings.Contains(lines[i], `msg="refused a proxied request"`) || !strings.Contains(lines[i], c.line) ||
			!strings.Contains(lines[i], "function=send") || !strings.Contains(lines[i], "level=WARN") {
			t.Errorf("%s: got log line %s, want a warning for function send with %q", c.url, lines[i], c.line)
		}
		if !strings.Contains(answers[i], c.line) || !strings.HasPrefix(answers[i], c.answer) {
			t.Errorf("%s: got answer %q, want %q with %q", c.url, answers[i], c.answer, c.line)
		}
		if strings.Contains(lines[i], "/x") {
			t.Errorf("%s: got log line %s, want only the host of the URL in it", c.url, lines[i])
		}
	}
}

func TestAllowNetwork(t *testing.T) {
	internet := httptest.NewTLSServer(named("internet"))
	defer internet.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s%s %d %d", r.Host, r.URL.Path, len(r.Header.Values("Proxy-Authorization")),
			len(r.Header.Values("X-Forwarded-For")))
	}))
	defer plain.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()

	closed := startProxy(t, allServices(), false).client(t, internet.Certificate())
	for _, u := range []string{internet.URL, plain.URL} {
		if response, err := closed.Get(u); err == nil {
			response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("%s without AllowNetwork: got %s, want 403", u, response.Status)
			}
		}
	}

	p := startProxy(t, allServices(), true)
	open := p.client(t, internet.Certificate())
	for _, c := range []struct{ url, want string }{
		{internet.URL + "/a", "internet /a"},
		{plain.URL + "/b", strings.TrimPrefix(plain.URL, "http://") + "/b 0 0"},
		// Requests for names of the stack never leave it.
		{"https://a1b2c3.execute-api.us-east-1.amazonaws.com/prod", "gateway /prod"},
		{"http://" + p.Address + "/stage", "gateway /stage"},
	} {
		response, err := open.Get(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(body) != c.want {
			t.Errorf("%s: got %s %q, %v, want %q", c.url, response.Status, body, err, c.want)
		}
	}
	for _, u := range []string{"https://" + gone.Addr().String(), "http://" + gone.Addr().String()} {
		if response, err := open.Get(u); err == nil {
			response.Body.Close()
			if response.StatusCode != http.StatusBadGateway {
				t.Errorf("%s: got %s, want 502", u, response.Status)
			}
		} else if !strings.Contains(err.Error(), "cannot reach "+gone.Addr().String()) {
			t.Errorf("%s: got error %v, want one that says it cannot be reached", u, err)
		}
	}
	if n := strings.Count(p.log.String(), "reach "+gone.Addr().String()); n != 2 {
		t.Errorf("got %d log lines about the absent host, want 2:\n%s", n, p.log)
	}
}

// The beginning of requests for a tunnel to a service of the stack and to
// another host.
const (
	connectKMS   = "CONNECT kms.us-east-1.amazonaws.com:443 HTTP/1.1\r\nHost: kms.us-east-1.amazonaws.com:443\r\n"
	connectOther = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n"
)

// TestProxyIsForFunctionsOnly
//
// Vulnerability: a proxy on loopback. Attack: a web page, a browser that is
// configured to use it, or another machine sends requests through it. Verified:
// each is refused before a host is dialed or TLS is terminated.
func TestProxyIsForFunctionsOnly(t *testing.T) {
	p := startProxy(t, allServices(), true)
	as := "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("send:")) + "\r\n"
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"a function", connectKMS + as, 200},
		{"no credential", connectKMS, 407},
		{"an empty name", connectKMS + "Proxy-Authorization: Basic Og==\r\n", 407},
		{"an origin", connectOther + "Origin: https://evil.example\r\n" + as, 403},
		{"a browser", connectOther + "Sec-Fetch-Site: cross-site\r\n" + as, 403},
		{"plain, no credential", "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n", 407},
		{
			"plain, an origin",
			"POST http://dynamodb.us-east-1.amazonaws.com/ HTTP/1.1\r\nHost: x\r\n" +
				"Origin: https://evil.example\r\n" + as,
			403,
		},
		{
			"plain, a function at DynamoDB",
			"GET http://dynamodb.us-east-1.amazonaws.com/ HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\n" + as,
			200,
		},
		{"plain, another scheme", "GET ftp://example.com/ HTTP/1.1\r\nHost: x\r\n" + as, 403},
		{"the stack itself", "GET http://" + p.Address + "/local HTTP/1.1\r\nHost: x\r\n", 200},
		{"another port of this machine", "GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: x\r\n", 407},
	} {
		t.Run(c.name, func(t *testing.T) {
			response := exchange(t, p.Address, c.request+"\r\n")
			if response.StatusCode != c.status {
				t.Errorf("got %s, want %d", response.Status, c.status)
			}
			if asks := response.Header.Get("Proxy-Authenticate") != ""; asks != (c.status == 407) {
				t.Errorf("%s: got Proxy-Authenticate %t, want it with 407 only (RFC 9110 §15.5.8)",
					response.Status, asks)
			}
		})
	}
	t.Run("before it is a proxy", func(t *testing.T) {
		_, server := start(t, allServices())
		response := exchange(t, server.Listener.Addr().String(), connectKMS+as+"\r\n")
		if response.StatusCode < 400 {
			t.Errorf("got %s, want an error", response.Status)
		}
	})
}

// TestProxyRefusesOtherMachines is the part of TestProxyIsForFunctionsOnly
// about other machines.
func TestProxyRefusesOtherMachines(t *testing.T) {
	e, err := edge.New("0.0.0.0:4566")
	if err != nil {
		t.Fatal(err)
	}
	e.Proxy(edge.Proxy{
		Terminate:    func(net.Conn) { t.Error("TLS was terminated for another machine") },
		AllowNetwork: true,
	})
	for _, c := range []struct {
		remote, local string
		status        int
	}{
		{"10.0.0.9:1000", "10.0.0.5:4566", 403},
		{"10.0.0.9:1000", "", 403},
		{"10.0.0.5:1000", "10.0.0.5:4566", 407}, // this machine by another address, no credential
		{"[::1]:1000", "[::1]:4566", 407},
		{"[::ffff:127.0.0.1]:1000", "[::ffff:127.0.0.1]:4566", 407},
	} {
		r := httptest.NewRequest(http.MethodConnect, "kms.us-east-1.amazonaws.com:443", nil)
		r.RemoteAddr = c.remote
		if c.local != "" {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey,
				net.Addr(stringAddr(c.local))))
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("from %s to %s: got %d, want %d", c.remote, c.local, w.Code, c.status)
		}
	}
}

// stringAddr is a net.Addr of TCP.
type stringAddr string

func (a stringAddr) Network() string { return "tcp" }
func (a stringAddr) String() string  { return string(a) }

// TestTLSRightAfterConnect begins TLS before the answer to CONNECT.
func TestTLSRightAfterConnect(t *testing.T) {
	p := startProxy(t, allServices(), false)
	conn, err := net.Dial("tcp", p.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	eager := &eagerConn{
		Conn:  conn,
		first: connectKMS + "Proxy-Authorization: Basic c2VuZDo=\r\n\r\n",
	}
	pem, err := os.ReadFile(p.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := tls.Client(eager, &tls.Config{RootCAs: pool, ServerName: "kms.us-east-1.amazonaws.com"})
	const post = "POST / HTTP/1.1\r\nHost: kms.us-east-1.amazonaws.com\r\n" +
		"Authorization: x\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(client, post); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(client); err != nil || !strings.HasSuffix(string(answer), "kms /") {
		t.Errorf("got %q, %v, want the answer of KMS", answer, err)
	}
}

// eagerConn sends first together with the first write, and skips the answer to
// it.
type eagerConn struct {
	net.Conn
	first   string
	skipped bool
}

func (c *eagerConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(append([]byte(c.first), p...))
	n = max(0, n-len(c.first))
	c.first = ""
	return n, err
}

func (c *eagerConn) Read(p []byte) (int, error) {
	if !c.skipped {
		const answer = "HTTP/1.1 200 Connection established\r\n\r\n"
		text := make([]byte, len(answer))
		if _, err := io.ReadFull(c.Conn, text); err != nil || string(text) != answer {
			return 0, fmt.Errorf("got %q, %v from the proxy, want %q", text, err, answer)
		}
		c.skipped = true
	}
	return c.Conn.Read(p)
}
