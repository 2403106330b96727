package stack

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/gateway"
)

var (
	// ErrRemote is the error of [New] when Options.Listen is an address that
	// other machines reach and Options.AllowRemote is not set.
	ErrRemote = errors.New("other machines reach this address and could do all that you can")
	// ErrPortInUse is the error of [New] when another program listens on
	// Options.Listen.
	ErrPortInUse = errors.New("in use by another program")
)

// listener is the one listener of the stack.
type listener struct {
	net.Listener
	// given is Options.Listen with the actual port.
	given string
	// address is what clients on this machine dial, as HOST:PORT.
	address string
}

// wsaAddrInUse is Windows' number for EADDRINUSE (WinSock 2).
const wsaAddrInUse = syscall.Errno(10048)

// listen opens the listener. Addresses that other machines reach need remote.
func listen(address string, remote bool) (*listener, error) {
	wrong := func(err error) error { return &OptionError{Option: "Listen", Value: address, Err: err} }
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, wrong(errors.New("want HOST:PORT, such as 127.0.0.1:4566"))
	}
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, wrong(err)
	}
	if !tcp.IP.IsLoopback() && !remote {
		return nil, wrong(ErrRemote)
	}
	l, err := net.ListenTCP("tcp", tcp)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaAddrInUse) {
		return nil, fmt.Errorf("%s is %w", address, ErrPortInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	bound := l.Addr().(*net.TCPAddr)
	port := strconv.Itoa(bound.Port)
	given := net.JoinHostPort(host, port)
	if bound.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return &listener{Listener: l, given: given, address: net.JoinHostPort(host, port)}, nil
}

// remote reports whether other machines reach the listener.
func (l *listener) remote() bool {
	tcp, ok := l.Addr().(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

const (
	// readHeaderTimeout drops connections that do not send a request.
	readHeaderTimeout = 30 * time.Second
	// maxHeaderBytes leaves room for the X-Ray cause that a failing function
	// reports in a header, up to 1 MiB (Runtime API).
	maxHeaderBytes = 2 << 20
)

// serve starts to answer on the port, in clear text and over TLS.
func (s *Stack) serve() {
	both := s.names.Listen(s.listener)
	s.edge.Proxy(edge.Proxy{Terminate: both.Terminate, AllowNetwork: s.opts.AllowNetwork, Log: s.opts.Log})
	s.server = &http.Server{
		Handler:           s.edge,
		ReadHeaderTimeout: readHeaderTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       gateway.ConnContext,
		ErrorLog:          slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn),
	}
	if s.bridge != nil {
		go func() {
			err := s.server.Serve(gateway.KeepHeaderNames(s.names.Listen(s.bridge)))
			if !errors.Is(err, http.ErrServerClosed) {
				s.opts.Log.Error("failed to serve the bridge", "err", err)
			}
		}()
	}
	go func() {
		defer close(s.failed)
		if err := s.server.Serve(gateway.KeepHeaderNames(both)); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve %s: %w", s.address, err)
		}
	}()
}
