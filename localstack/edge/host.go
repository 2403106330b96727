package edge

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
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

// awsName matches the names that a client without an endpoint setting, or one
// that adds the API's id, uses. Their owner is AWS, so nobody can rebind them;
// names of customers' machines (EC2, ELB) do not match.
var awsName = regexp.MustCompile(`^((dynamodb|streams\.dynamodb|kms|lambda)|[a-z0-9]+\.execute-api)\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.aws)$`)

// allow reports whether a request with this Host header is to be served. The
// port is not looked at: the listener may be behind a forwarded one.
func (h hosts) allow(host string) bool {
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if ip, err := netip.ParseAddr(name); err == nil {
		// An address needs no DNS, so it cannot be rebound; a listener on all
		// addresses does not know which of them are its own.
		ip = ip.Unmap().WithZone("")
		return ip.IsLoopback() || ip == h.ip || h.ip.IsValid() && h.ip.IsUnspecified()
	}
	// Names under localhost are loopback everywhere (RFC 6761 §6.3).
	return name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		name == h.name && name != "" || awsName.MatchString(name)
}
