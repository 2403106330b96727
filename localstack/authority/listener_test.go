package authority_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/authority"
)

// patience bounds the wait for something that normally takes milliseconds.
const patience = 30 * time.Second

var discard = log.New(io.Discard, "", 0)

// clientOf returns a client that trusts the certificates in the file and dials
// the address for every name.
func clientOf(t *testing.T, address, trust string) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: pool(t, trust)},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// listen serves a handler on a port, over TLS and plain HTTP.
func listen(t *testing.T, a *authority.Authority, h http.HandlerFunc) *authority.Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := a.Listen(inner)
	server := &http.Server{Handler: h, ErrorLog: discard}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: got %v, want ErrServerClosed", err)
		}
	})
	return l
}

func scheme(w http.ResponseWriter, r *http.Request) {
	if r.TLS != nil {
		io.WriteString(w, "https "+r.Host)
		return
	}
	io.WriteString(w, "http "+r.Host)
}

func TestTLSAndPlainHTTPOnOnePort(t *testing.T) {
	a := open(t, t.TempDir())
	l := listen(t, a, scheme)
	// A silent client must not block the others.
	silent, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := clientOf(t, l.Addr().String(), a.BundleFile())
	for _, c := range []struct{ url, want string }{
		{"http://127.0.0.1/", "http 127.0.0.1"},
		{"https://127.0.0.1/", "https 127.0.0.1"},
		{"https://localhost/", "https localhost"},
		{"https://dynamodb.us-east-1.amazonaws.com/", "https dynamodb.us-east-1.amazonaws.com"},
		{"http://localhost/", "http localhost"},
	} {
		response, err := client.Get(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(body) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.url, body, err, c.want)
		}
	}
}

func TestSecureWebSocketOnTheSamePort(t *testing.T) {
	a := open(t, t.TempDir())
	l := listen(t, a, func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		kind, text, err := ws.Read(r.Context())
		if err == nil {
			err = ws.Write(r.Context(), kind, text)
		}
		if err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "wss://a1b2c3.execute-api.us-east-1.amazonaws.com/prod",
		&websocket.DialOptions{HTTPClient: clientOf(t, l.Addr().String(), a.CAFile())})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if err := ws.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := ws.Read(ctx); err != nil || string(text) != "hello" {
		t.Errorf("got %q, %v, want hello", text, err)
	}
}

// http.Server closes only its writing side when it responds before it has read
// the whole request. Otherwise the response could be lost with the connection.
func TestHalfClose(t *testing.T) {
	a := open(t, t.TempDir())
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := a.Listen(inner)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "POST"); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		t.Fatalf("%T has no CloseWrite", conn)
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("client read: got %v, want EOF", err)
	}
	if _, err := io.WriteString(client, " /"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 6)
	if _, err := io.ReadFull(conn, text); err != nil || string(text) != "POST /" {
		t.Errorf("server read: got %q, %v, want POST /", text, err)
	}
}

func TestTerminate(t *testing.T) {
	a := open(t, t.TempDir())
	l := listen(t, a, scheme)
	near, far := net.Pipe()
	defer near.Close()
	go l.Terminate(far)
	client := tls.Client(near, &tls.Config{RootCAs: pool(t, a.CAFile()), ServerName: "kms.us-east-1.amazonaws.com"})
	if err := client.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: kms.us-east-1.amazonaws.com\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := io.ReadAll(client)
	if want := "https kms.us-east-1.amazonaws.com"; err != nil || !strings.HasSuffix(string(response), want) {
		t.Errorf("got %q, %v, want a response that ends with %q", response, err, want)
	}
}

func TestCloseDropsSilentConnections(t *testing.T) {
	a := open(t, t.TempDir())
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := a.Listen(inner)
	silent, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	speaking, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer speaking.Close()
	if _, err := io.WriteString(speaking, "GET"); err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept() // so inner has accepted the silent one, which came first, too
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: got %v, want net.ErrClosed", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: got %v, want net.ErrClosed", err)
	}
	if err := silent.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err = silent.Read(make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); err == nil || ok && timeout.Timeout() {
		t.Errorf("read from the silent connection: got %v, want it closed", err)
	}
	near, far := net.Pipe()
	defer near.Close()
	l.Terminate(far)
	if _, err := near.Write([]byte{1}); err == nil {
		t.Error("write to a tunnel after Close: got no error, want one")
	}
	text := make([]byte, 3)
	if _, err := io.ReadFull(accepted, text); err != nil || string(text) != "GET" {
		t.Errorf("read from the accepted connection: got %q, %v, want GET", text, err)
	}
}
