package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// listener is the one listener of the stack.
type listener struct {
	net.Listener
	// given is -listen with the port that it really is.
	given string
	// address is what clients on this machine dial, as HOST:PORT.
	address string
}

// wsaAddrInUse is the number that Windows has for EADDRINUSE (WinSock 2).
const wsaAddrInUse = syscall.Errno(10048)

// listen takes the port. Addresses that other machines reach need remote.
func listen(address string, remote bool) (*listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, usageError{fmt.Errorf("-listen %s: want HOST:PORT, such as %s", address, defaultListen)}
	}
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, usageError{fmt.Errorf("-listen %s: %w", address, err)}
	}
	if !tcp.IP.IsLoopback() && !remote {
		return nil, usageError{fmt.Errorf("-listen %s: other machines reach this address and could do all that you can; "+
			"use 127.0.0.1, or add -allow-remote if you mean it (see -h)", address)}
	}
	l, err := net.ListenTCP("tcp", tcp)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaAddrInUse) {
		return nil, fmt.Errorf("%s is in use by another program: choose another port with -listen %s, or any free one with -listen %s",
			address, net.JoinHostPort(host, strconv.Itoa(tcp.Port%65535+1)), net.JoinHostPort(host, "0"))
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
func (s *stack) remote() bool {
	tcp, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}
