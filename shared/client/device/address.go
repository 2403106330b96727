package device

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Address returns the name of the deployment at a WebSocket URL, in the form of
// its `aud`: host, port if it is not the scheme's default, and path. localhost
// becomes 127.0.0.1, so that both spellings have the same devices.
func Address(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Opaque != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not a WebSocket address; an address has the form wss://HOST/STAGE", rawURL)
	}
	ownPort := map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	if ownPort == "" {
		return "", fmt.Errorf("%q is not a WebSocket address; an address begins with ws:// or wss://", rawURL)
	}
	host := strings.ToLower(u.Hostname())
	if host == "localhost" {
		host = "127.0.0.1"
	}
	port := u.Port()
	switch {
	case port != "" && port != ownPort:
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return host + strings.TrimRight(u.Path, "/"), nil
}

// IsLoopback reports whether an address from [Address] is on this machine.
func IsLoopback(address string) bool {
	host, _, _ := strings.Cut(address, "/")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
