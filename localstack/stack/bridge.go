package stack

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// listenBridge listens on the IPv4 address of a network interface, with the
// port of the stack. It returns nil without an interface's name.
func listenBridge(name string, l *listener) (net.Listener, error) {
	if name == "" {
		return nil, nil
	}
	wrong := func(err error) error { return &OptionError{Option: "Bridge", Value: name, Err: err} }
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, wrong(errors.New("there is no such network interface; is Docker running?"))
	}
	addresses, err := i.Addrs()
	if err != nil {
		return nil, wrong(err)
	}
	for _, a := range addresses {
		ip, _, err := net.ParseCIDR(a.String())
		if err != nil || ip.To4() == nil {
			continue
		}
		port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		bridge, err := net.Listen("tcp", net.JoinHostPort(ip.String(), port))
		if err != nil {
			return nil, fmt.Errorf("listen on the bridge %s: %w", name, err)
		}
		return bridge, nil
	}
	return nil, wrong(errors.New("the interface has no IPv4 address"))
}
