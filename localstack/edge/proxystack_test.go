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

// proxyStack is an edge as the stack runs it: a proxy with an authority, plain
// HTTP and TLS on one port.
type proxyStack struct {
	edge.Access
	log *lockedBuffer
}

// lockedBuffer is a buffer for concurrent use.
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

// startProxy serves an edge with these services until the end of the test.
func startProxy(t *testing.T, s edge.Services, allowNetwork bool) *proxyStack {
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
	p := &proxyStack{
		Access: edge.Access{
			Address:    inner.Addr().String(),
			CAFile:     ca.CAFile(),
			BundleFile: ca.BundleFile(),
		},
		log: &lockedBuffer{},
	}
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
		server.Serve(l) // always returns an error
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return p
}

// client returns a client that uses the proxy for every host. By its
// environment Go would never use it for loopback.
func (p *proxyStack) client(t *testing.T, trust ...*x509.Certificate) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(p.CAFile)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("got no certificate of the authority: %v", err)
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

// exchange sends the text and returns the head of one response.
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
