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

// Proxy configures what the edge does for programs that take it for their HTTP
// proxy (RFC 9110 §9.3.6), as the processes of functions are told to: AWS's
// names lead to the stack, and others nowhere. It is no sandbox: a program that
// wants to dial elsewhere can.
type Proxy struct {
	// Terminate takes over a connection on which the client begins TLS next,
	// and has the requests in it answered by this same edge.
	Terminate func(net.Conn)
	// AllowNetwork lets programs reach every host but those that stand for the
	// stack.
	AllowNetwork bool
	// Log gets a line per request that is refused; nil discards it.
	Log *slog.Logger
}

// dialTimeout bounds the dial to a host of the network.
const dialTimeout = 10 * time.Second

// Proxy makes the edge a proxy, from the next request on. Until then CONNECT is
// refused as any other unknown method.
func (e *Edge) Proxy(p Proxy) {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	e.proxy.Store(&proxy{p, dialer, &httputil.ReverseProxy{
		Rewrite:   func(*httputil.ProxyRequest) {}, // the client wrote the address in full
		Transport: &http.Transport{DialContext: dialer.DialContext, IdleConnTimeout: time.Minute},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			p.unreachable(w, r, err)
		},
	}})
}

// proxy is a Proxy at work. It never uses another one: the stack could be its
// own.
type proxy struct {
	Proxy
	dialer  net.Dialer
	forward *httputil.ReverseProxy // of plain requests
}

// isProxied reports whether the request is one for a proxy: CONNECT, or with
// the address in full.
func isProxied(r *http.Request) bool { return r.Method == http.MethodConnect || r.URL.Host != "" }

// serveProxied answers what was sent to the edge as a proxy.
//
// No web page can send it: scripts have no CONNECT and no address in full, and
// a browser would have to be set to use this proxy. The credential keeps out
// one that is.
func (e *Edge) serveProxied(w http.ResponseWriter, r *http.Request, p *proxy) {
	host := hostName(r.Host)
	function, named := proxyUser(r)
	switch {
	case !sameMachine(r) || r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "":
		refuseProxied(w, r, http.StatusForbidden, "This proxy is for the functions of a local stack.")
	case r.Method != http.MethodConnect && e.hosts.allow(r.Host) && r.URL.Port() == localPort(r):
		e.serveDirect(w, r) // whoever sends all requests through a proxy means the stack itself
	case !named:
		w.Header().Set("Proxy-Authenticate", `Basic realm="local stack"`)
		refuseProxied(w, r, http.StatusProxyAuthRequired,
			"Name the function in the proxy's URL: HTTPS_PROXY=http://FUNCTION:local@HOST:PORT.")
	default:
		e.route(w, r, p, host, function)
	}
}

// route lets a function reach a host.
func (e *Edge) route(w http.ResponseWriter, r *http.Request, p *proxy, host, function string) {
	refuse := func(message string) {
		p.Log.Warn("refused: "+message, "function", function)
		refuseProxied(w, r, http.StatusForbidden, message)
	}
	of, here := e.services.Load().serviceOf(host)
	switch {
	case here && r.Method == http.MethodConnect:
		if _, port, _ := net.SplitHostPort(r.Host); port != "443" {
			refuse(r.Host + ": AWS serves this name on port 443 only")
			return
		}
		if conn := established(w); conn != nil {
			p.Terminate(conn)
		}
	case here && of == dynamoDB && r.URL.Scheme == "http" && (r.URL.Port() == "" || r.URL.Port() == "80"):
		e.serveDirect(w, r)
	case here:
		refuse(r.Host + ": AWS serves this name by https only")
	case p.AllowNetwork && r.Method == http.MethodConnect:
		p.tunnel(w, r)
	case p.AllowNetwork && r.URL.Scheme == "http":
		p.forward.ServeHTTP(w, r)
	case isAWS(host):
		refuse(r.Host + ": this stack serves no such service, only dynamodb, kms, lambda and execute-api; -allow-network lets functions reach AWS")
	default:
		refuse(r.Host + ": functions of this stack have no network; -allow-network gives it to them")
	}
}

// serveDirect answers a request that names this stack in full as if it had been
// sent without a proxy.
func (e *Edge) serveDirect(w http.ResponseWriter, r *http.Request) {
	direct := r.Clone(r.Context())
	direct.URL.Scheme, direct.URL.Host = "", ""
	direct.Header.Del("Proxy-Authorization")
	direct.Header.Del("Proxy-Connection")
	e.ServeHTTP(w, direct)
}

// tunnel joins the client with another host.
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

// unreachable answers when a host that may be reached cannot be.
func (p Proxy) unreachable(w http.ResponseWriter, r *http.Request, err error) {
	function, _ := proxyUser(r)
	p.Log.Warn("cannot reach "+r.Host, "function", function, "error", err)
	refuseProxied(w, r, http.StatusBadGateway, "The stack cannot reach "+r.Host+".")
}

// join copies until from ends, and then tells to.
func join(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		// One side is gone, so the other is of no use to anybody.
		_ = to.Close()
		_ = from.Close()
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it may be closed already
	}
}

// established takes the connection over and tells the client that it leads to
// where it asked. It is nil if the client has gone.
func established(w http.ResponseWriter) net.Conn {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Time{}) // the server's, for the request; a broken one fails below
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return nil
	}
	if buffered.Reader.Buffered() > 0 { // the client did not wait for the answer
		return &hijacked{Conn: conn, reader: buffered.Reader}
	}
	return conn
}

// hijacked is a connection of which some bytes have been read ahead.
type hijacked struct {
	net.Conn
	reader *bufio.Reader
}

func (c *hijacked) Read(p []byte) (int, error) { return c.reader.Read(p) }

// refuseProxied says why not. Clients show nothing but the reason phrase of a
// refused CONNECT, so the message is there too, which takes writing the
// response by hand.
func refuseProxied(w http.ResponseWriter, r *http.Request, status int, message string) {
	if r.Method == http.MethodConnect {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			defer conn.Close()
			h := w.Header()
			h.Set("Content-Type", "text/plain; charset=utf-8")
			h.Set("Content-Length", strconv.Itoa(len(message)+1))
			h.Set("Connection", "close")
			var response bytes.Buffer // into which nothing fails to be written
			_, _ = fmt.Fprintf(&response, "HTTP/1.1 %d %s\r\n", status, message)
			_ = h.Write(&response)
			_, _ = fmt.Fprintf(&response, "\r\n%s\n", message)
			_, _ = conn.Write(response.Bytes()) // fails only for a client that has gone
			return
		}
	}
	http.Error(w, message, status)
}

// proxyUser returns the user name in the proxy's URL, which is the function's.
func proxyUser(r *http.Request) (function string, ok bool) {
	as := http.Request{Header: http.Header{"Authorization": r.Header.Values("Proxy-Authorization")}}
	function, _, ok = as.BasicAuth()
	return function, ok && function != ""
}

// sameMachine reports whether the client runs on this machine: it came over
// loopback, or from the very address that it came to.
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

func localPort(r *http.Request) string {
	to, err := localAddress(r)
	if err != nil {
		return ""
	}
	return strconv.Itoa(int(to.Port()))
}

// localAddress is where the client came to.
func localAddress(r *http.Request) (netip.AddrPort, error) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.AddrPort{}, errors.New("not served by http.Server")
	}
	return netip.ParseAddrPort(local.String())
}
