package edge

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// hosts decides by the Host header whether a request means this stack. A web
// page that points its own name at a loopback address (DNS rebinding) is on
// the same origin as what it reads, but cannot choose the Host it sends.
type hosts struct {
	name string     // the listener's host, in lower case
	ip   netip.Addr // the same, if it is an address; invalid otherwise
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

// allow reports whether this Host header names the listener. The
// port is not looked at: the listener may be behind a forwarded one.
func (h hosts) allow(host string) bool {
	name := hostName(host)
	if isLoopback(name) || name == h.name && name != "" {
		return true
	}
	// An address needs no DNS, so it cannot be rebound; a listener on all
	// addresses does not know which of them are its own.
	ip, err := netip.ParseAddr(name)
	return err == nil && h.ip.IsValid() && (h.ip.IsUnspecified() || h.ip == ip.Unmap().WithZone(""))
}

// isLoopback reports whether a name or an address is of this machine wherever
// it is looked up: names under localhost are (RFC 6761 §6.3).
func isLoopback(name string) bool {
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
