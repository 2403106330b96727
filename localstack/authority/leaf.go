package authority

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// leafLifetime is short because leaves cannot be revoked. A leaf in use has
	// at least half of it left.
	leafLifetime = 24 * time.Hour
	// maxLeaves bounds the memory that a program can use by asking for many
	// names: about 1 KB each.
	maxLeaves = 512
)

// leaf is the certificate of one name.
type leaf struct {
	certificate *tls.Certificate
	renew       time.Time // when to sign a new one
}

// TLSConfig returns a server configuration that has a certificate for every
// name the authority may sign for. It offers HTTP/1.1 only, as the endpoints of
// DynamoDB and WebSocket APIs do.
func (a *Authority) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, // as the endpoints of AWS
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			name := hello.ServerName
			if name == "" { // the client dialed an address (RFC 6066 §3)
				local, err := netip.ParseAddrPort(hello.Conn.LocalAddr().String())
				if err != nil {
					return nil, fmt.Errorf("authority: find the local address: %w", err)
				}
				name = local.Addr().Unmap().WithZone("").String()
			}
			return a.certificate(strings.TrimSuffix(strings.ToLower(name), "."))
		},
	}
}

// certificate returns a leaf for a name in lower case or for an address.
func (a *Authority) certificate(name string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if l := a.leaves[name]; l != nil && now.Before(l.renew) {
		return l.certificate, nil
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{Organization: []string{"Sotto local stack"}},
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(leafLifetime),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	issuer := a.stored
	switch ip, err := netip.ParseAddr(name); {
	case err == nil && ip.IsLoopback():
		template.IPAddresses = []net.IP{net.IP(ip.AsSlice())}
	case err != nil && within(name, domains):
		template.DNSNames = []string{name}
	case err != nil && a.custom != nil && within(name, a.custom.cert.PermittedDNSDomains):
		template.DNSNames = []string{name}
		issuer = *a.custom
	default:
		return nil, fmt.Errorf("authority: %q is not a name of AWS, of this machine or of the template", name)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.cert, a.leafKey.Public(), issuer.key)
	if err != nil {
		return nil, fmt.Errorf("authority: sign for %s: %w", name, err)
	}
	if len(a.leaves) >= maxLeaves {
		clear(a.leaves) // signing one again takes microseconds
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.leafKey}
	a.leaves[name] = &leaf{certificate: c, renew: now.Add(leafLifetime / 2)}
	return c, nil
}

// hostName matches the lower-case names that a certificate can have. Some names
// of AWS have underscores.
var hostName = regexp.MustCompile(`^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$`)

// within reports whether name is one of the domains or below one: whether
// clients accept it from an authority that is constrained to the domains.
func within(name string, domains []string) bool {
	if len(name) > 253 || !hostName.MatchString(name) {
		return false
	}
	return slices.ContainsFunc(domains, func(d string) bool { return name == d || strings.HasSuffix(name, "."+d) })
}
