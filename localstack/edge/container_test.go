package edge

import (
	"net"
	"net/netip"
	"testing"
)

// Containers reach the machine by Docker's and Podman's names for it and by the
// address of their network's gateway, which is one of the machine's.
func TestContainersReachTheStack(t *testing.T) {
	h, err := newHosts("127.0.0.1:4566")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{
		"host.docker.internal", "host.docker.internal:4566", "Host.Docker.Internal.", "gateway.docker.internal:4566",
		"host.containers.internal",
	} {
		if !h.allow(host) {
			t.Errorf("Host %s: got refused, want allowed", host)
		}
	}
	for _, host := range []string{"x.docker.internal", "host.docker.internal.evil.example", "docker.internal"} {
		if h.allow(host) {
			t.Errorf("Host %s: got allowed, want refused", host)
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		ip := netip.MustParsePrefix(a.String()).Addr()
		if host := net.JoinHostPort(ip.String(), "4566"); !h.allow(host) {
			t.Errorf("Host %s, an address of this machine: got refused, want allowed", host)
		}
	}
}
