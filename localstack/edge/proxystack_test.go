package edge_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/authority"
	"github.com/sotto-chat/sotto/localstack/edge"
)

// proxied is an edge as the stack runs it: with an authority, plain HTTP and
// TLS on one port, and as a proxy.
type proxied struct {
	edge.Access
	log *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startProxy(t *testing.T, s edge.Services, allowNetwork bool) *proxied {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca, err := authority.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e, err := edge.New(inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.Permit(s.Domains...); err != nil {
		t.Fatal(err)
	}
	l := ca.Listen(inner)
	p := &proxied{edge.Access{
		Address:    inner.Addr().String(),
		CAFile:     ca.CAFile(),
		BundleFile: ca.BundleFile(),
	}, &lockedBuffer{}}
	e.Serve(s)
	e.Proxy(edge.Proxy{
		Terminate:    l.Terminate,
		AllowNetwork: allowNetwork,
		Log:          slog.New(slog.NewTextHandler(p.log, nil)),
	})
	server := &http.Server{Handler: e, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(l) // always ends with an error
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return p
}

// client goes through the proxy for every host, loopback included, which Go
// never does by its environment.
func (p *proxied) client(t *testing.T, trust ...*x509.Certificate) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(p.CAFile)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("the authority: %v", err)
	}
	for _, c := range trust {
		pool.AddCert(c)
	}
	tr := &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", User: url.User("send"), Host: p.Address}),
		TLSClientConfig: &tls.Config{RootCAs: pool},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// exchange sends the text and reads the head of one response.
func exchange(t *testing.T, address, text string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn),
		&http.Request{Method: text[:strings.IndexByte(text, ' ')]})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}
