package authority_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/authority"
)

// hello does a TLS handshake over a TCP connection and returns the server's
// certificate.
func hello(t *testing.T, server *tls.Config, roots *x509.CertPool, name string) (*x509.Certificate, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = tls.Server(conn, server).Handshake() // the test checks the client's side
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{
		ServerName: name,
		RootCAs:    roots,
		NextProtos: []string{"h2", "http/1.1"},
	})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("negotiated %q, want http/1.1", got)
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}

func TestLeaves(t *testing.T) {
	a := open(t, t.TempDir())
	config, roots := a.TLSConfig(), pool(t, a.CAFile())
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"a1b2c3.execute-api.us-east-1.amazonaws.com", true},
		{"DynamoDB.us-east-1.AMAZONAWS.com", true},
		{"kms.cn-north-1.amazonaws.com.cn", true},
		{"lambda.eu-west-1.api.aws", true},
		{"dynamodb.cn-north-1.api.amazonwebservices.com.cn", true},
		{"localhost", true},
		{"a1b2c3.execute-api.localhost", true},
		{"127.0.0.1", true}, // the client sends no name, so the address counts
		{"127.0.0.2", false},
		{"example.com", false},
		{"amazonaws.com.example", false},
		{"notlocalhost", false},
	} {
		leaf, err := hello(t, config, roots, c.name)
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v, want success %t", c.name, err, c.ok)
		}
		if leaf != nil && leaf.IsCA {
			t.Errorf("%s: the leaf is a certificate authority", c.name)
		}
	}
}

func TestLeavesAreRenewed(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a, err := authority.OpenAt(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	config, roots := a.TLSConfig(), pool(t, a.CAFile())
	ask := func() *x509.Certificate {
		t.Helper()
		leaf, err := hello(t, config, roots, "localhost")
		if err != nil {
			t.Fatal(err)
		}
		return leaf
	}
	first := ask()
	if age := time.Since(first.NotBefore); age < 30*time.Minute {
		t.Errorf("the leaf is valid since %v, want 30m or more for slow clocks", age)
	}
	if left := time.Until(first.NotAfter); left > 25*time.Hour {
		t.Errorf("the leaf is valid for %v, want 25h at most", left)
	}
	if again := ask(); again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("the second connection got another leaf, want the same")
	}
	ahead.Store(int64(13 * time.Hour))
	// The client's clock has not moved, so a new leaf is not valid yet for it.
	_, err = hello(t, config, roots, "localhost")
	if err == nil || !strings.Contains(err.Error(), "not yet valid") {
		t.Errorf("after 13 hours: got %v, want a new leaf that is not yet valid", err)
	}
}

// A program that asks for many names must not use unbounded memory.
func TestManyNames(t *testing.T) {
	a := open(t, t.TempDir())
	config := a.TLSConfig()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	for i := range 600 {
		name := "n" + strconv.Itoa(i) + ".localhost"
		if c, err := config.GetCertificate(&tls.ClientHelloInfo{
			ServerName: name,
			Conn:       server,
		}); err != nil || c == nil {
			t.Fatalf("GetCertificate for %s: %v", name, err)
		}
	}
	if n := a.Leaves(); n == 0 || n > 512 {
		t.Errorf("%d leaves are cached, want 1 to 512", n)
	}
}
