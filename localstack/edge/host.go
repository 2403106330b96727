package edge

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// hosts decides by the Host header whether a request is meant for this stack.
// It is the defence against DNS rebinding: a web page that points its name at a
// loopback address is on the same origin as the stack, but it cannot choose the
// Host header.
type hosts struct {
	name string     // the listener's host in lower case
	ip   netip.Addr // the same as an address; invalid if it is a name
}

func newHosts(address string) (hosts, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return hosts{}, fmt.Errorf("listen address %q: %w", address, err)
	}
	h := hosts{name: strings.ToLower(host)}
	if host == "" {
		h.ip = netip.IPv6Unspecified() // Go listens on all addresses
	} else if ip, err := netip.ParseAddr(host); err == nil {
		h.ip = ip.Unmap()
	}
	return h, nil
}

// allow reports whether a Host header names the listener. It ignores the port,
// because the listener may be behind a forwarded one.
func (h hosts) allow(host string) bool {
	name := hostName(host)
	if isLoopback(name) || containerHosts[name] || name == h.name && name != "" {
		return true
	}
	// Rebinding needs a DNS name, so addresses are safe. A listener on all
	// addresses does not know which of them belong to this machine. A request
	// from a container may name the gateway of its bridge network, which is an
	// address of this machine.
	ip, err := netip.ParseAddr(name)
	return err == nil && (h.ip.IsValid() && (h.ip.IsUnspecified() || h.ip == ip.Unmap().WithZone("")) ||
		isOwnAddress(ip.Unmap()))
}

// containerHosts are the names by which containers reach the machine that they
// run on. The domain internal is reserved for private use (ICANN, 2024), so a
// web page of the internet cannot rebind them.
var containerHosts = map[string]bool{
	"host.docker.internal":     true, // Docker
	"gateway.docker.internal":  true,
	"host.containers.internal": true, // Podman
}

// isOwnAddress reports whether one of this machine's interfaces has the
// address.
func isOwnAddress(ip netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(own, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap() == ip
	})
}

// isLoopback reports whether a name or an address means this machine: loopback
// addresses, and localhost and the names below it (RFC 6761 §6.3).
func isLoopback(name string) bool {
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
