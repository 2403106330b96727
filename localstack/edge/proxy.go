package edge

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"time"
)

// Proxy configures the edge as the HTTP proxy of functions (RFC 9110 §9.3.6).
// AWS's host names lead to the stack, and all others are refused. It is not a
// sandbox: a program that ignores the proxy can still dial other hosts.
type Proxy struct {
	// Terminate takes over a connection on which the client begins TLS next,
	// and serves the requests in it with this edge.
	Terminate func(net.Conn)
	// AllowNetwork allows all hosts. Those of the stack still lead to the
	// stack.
	AllowNetwork bool
	// Log gets a line for each refused request; nil discards it.
	Log *slog.Logger
}

// dialTimeout bounds the dial to a host outside the stack.
const dialTimeout = 10 * time.Second

// Proxy makes the edge a proxy for all later requests. Before, it refuses
// CONNECT as any unknown method.
func (e *Edge) Proxy(p Proxy) {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	e.proxy.Store(&proxy{
		Proxy:  p,
		dialer: dialer,
		forward: &httputil.ReverseProxy{
			Rewrite:      func(*httputil.ProxyRequest) {}, // the request has the full URL already
			Transport:    &http.Transport{DialContext: dialer.DialContext, IdleConnTimeout: time.Minute},
			ErrorHandler: p.unreachable,
		},
	})
}

// proxy is a running Proxy. It never uses another proxy, because that could be
// the stack itself.
type proxy struct {
	Proxy
	dialer  net.Dialer
	forward *httputil.ReverseProxy // for requests without TLS
}

// isProxied reports whether the client uses the edge as a proxy: the request is
// CONNECT or has an absolute URL.
func isProxied(r *http.Request) bool { return r.Method == http.MethodConnect || r.URL.Host != "" }

// serveProxied serves a request for the proxy.
//
// Scripts of web pages can send neither CONNECT nor an absolute URL; only a
// browser that is configured to use this proxy does. It is refused because it
// has no credential.
func (e *Edge) serveProxied(w http.ResponseWriter, r *http.Request, p *proxy) {
	host := hostName(r.Host)
	function, named := proxyUser(r)
	switch {
	case !sameMachine(r) || r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "":
		refuseProxied(w, r, http.StatusForbidden, "This proxy serves only the functions of a local stack.")
	case r.Method != http.MethodConnect && e.hosts.allow(r.Host) && r.URL.Port() == localPort(r):
		e.serveDirect(w, r) // the client sends all requests through its proxy
	case !named:
		w.Header().Set("Proxy-Authenticate", `Basic realm="local stack"`)
		refuseProxied(w, r, http.StatusProxyAuthRequired,
			"Name the function in the proxy's URL: HTTPS_PROXY=http://FUNCTION:local@HOST:PORT.")
	default:
		e.route(w, r, p, host, function)
	}
}

// route connects a function with a host, or refuses.
func (e *Edge) route(w http.ResponseWriter, r *http.Request, p *proxy, host, function string) {
	refuse := func(message string) {
		p.Log.Warn("refused a proxied request", "function", function, "err", message)
		refuseProxied(w, r, http.StatusForbidden, message)
	}
	svc, served := e.services.Load().serviceOf(host)
	switch {
	case served && r.Method == http.MethodConnect:
		if _, port, _ := net.SplitHostPort(r.Host); port != "443" {
			refuse(r.Host + ": AWS serves this name on port 443 only")
			return
		}
		if conn := established(w); conn != nil {
			p.Terminate(conn)
		}
	case served && svc == dynamoDB && r.URL.Scheme == "http" && (r.URL.Port() == "" || r.URL.Port() == "80"):
		e.serveDirect(w, r)
	case served:
		refuse(r.Host + ": AWS serves this name by https only")
	case p.AllowNetwork && r.Method == http.MethodConnect:
		p.tunnel(w, r)
	case p.AllowNetwork && r.URL.Scheme == "http":
		p.forward.ServeHTTP(w, r)
	case isAWSHost(host):
		refuse(r.Host + ": this stack serves only dynamodb, kms, lambda and execute-api; " +
			"-allow-network lets functions reach AWS")
	default:
		refuse(r.Host + ": functions have no network access; -allow-network allows it")
	}
}

// serveDirect serves a request with an absolute URL of this stack as if it had
// been sent without a proxy.
func (e *Edge) serveDirect(w http.ResponseWriter, r *http.Request) {
	direct := r.Clone(r.Context())
	direct.URL.Scheme, direct.URL.Host = "", ""
	direct.Header.Del("Proxy-Authorization")
	direct.Header.Del("Proxy-Connection")
	e.ServeHTTP(w, direct)
}

// tunnel connects the client with another host.
func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	far, err := p.dialer.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		p.unreachable(w, r, err)
		return
	}
	defer far.Close()
	near := established(w)
	if near == nil {
		return
	}
	defer near.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		join(far, near)
	}()
	join(near, far)
	<-done
}

// unreachable answers when a permitted host cannot be reached.
func (p Proxy) unreachable(w http.ResponseWriter, r *http.Request, err error) {
	function, _ := proxyUser(r)
	p.Log.Warn("failed to proxy a request", "function", function, "err", fmt.Errorf("reach %s: %w", r.Host, err))
	refuseProxied(w, r, http.StatusBadGateway, "The stack cannot reach "+r.Host+".")
}

// join copies from one connection to the other until the first ends, and then
// ends the other's input.
func join(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		// One side has gone, so the other is useless.
		_ = to.Close()
		_ = from.Close()
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it may be closed already
	}
}

// established takes over the connection and answers the client that the tunnel
// is open. It returns nil if the client has gone.
func established(w http.ResponseWriter) net.Conn {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Time{}) // removes the server's; an error shows below
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return nil
	}
	if buffered.Reader.Buffered() > 0 { // the client did not wait for the answer
		return &hijacked{Conn: conn, reader: buffered.Reader}
	}
	return conn
}

// hijacked is a connection whose first bytes are in a buffer.
type hijacked struct {
	net.Conn
	reader *bufio.Reader
}

func (c *hijacked) Read(p []byte) (int, error) { return c.reader.Read(p) }

// refuseProxied refuses a request for the proxy. Of a refused CONNECT clients
// show only the reason phrase, so the message is there too. net/http cannot set
// it, so the response is written here.
func refuseProxied(w http.ResponseWriter, r *http.Request, status int, message string) {
	if r.Method == http.MethodConnect {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			defer conn.Close()
			h := w.Header()
			h.Set("Content-Type", "text/plain; charset=utf-8")
			h.Set("Content-Length", strconv.Itoa(len(message)+1))
			h.Set("Connection", "close")
			var response bytes.Buffer // writes to it never fail
			_, _ = fmt.Fprintf(&response, "HTTP/1.1 %d %s\r\n", status, message)
			_ = h.Write(&response)
			_, _ = fmt.Fprintf(&response, "\r\n%s\n", message)
			_, _ = conn.Write(response.Bytes()) // fails only if the client has gone
			return
		}
	}
	http.Error(w, message, status)
}

// proxyUser returns the user name in the proxy's URL, which is the function's
// name.
func proxyUser(r *http.Request) (function string, ok bool) {
	as := http.Request{Header: http.Header{"Authorization": r.Header.Values("Proxy-Authorization")}}
	function, _, ok = as.BasicAuth()
	return function, ok && function != ""
}

// sameMachine reports whether the client runs on this machine: its address is a
// loopback address, or the same as the address that it dialed.
func sameMachine(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := remote.Addr().Unmap()
	if ip.IsLoopback() {
		return true
	}
	to, err := localAddress(r)
	return err == nil && to.Addr().Unmap() == ip
}

// localPort returns the port that the client dialed, or "".
func localPort(r *http.Request) string {
	to, err := localAddress(r)
	if err != nil {
		return ""
	}
	return strconv.Itoa(int(to.Port()))
}

// localAddress returns the address that the client dialed.
func localAddress(r *http.Request) (netip.AddrPort, error) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.AddrPort{}, errors.New("not served by http.Server")
	}
	return netip.ParseAddrPort(local.String())
}
