//go:build !windows

package authority

import (
	"encoding/pem"
	"os"
)

// rootFiles are the files in which systems keep their trusted certificates:
// Debian and Arch, Fedora, openSUSE, old RHEL, and macOS, Alpine and the BSDs.
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem",
	"/etc/ssl/cert.pem",
}

// systemRoots returns the certificates that this system trusts, nil if there
// are none: the stack works without them, but functions cannot reach the
// network over TLS.
func systemRoots() (der [][]byte) {
	files := rootFiles
	if f := os.Getenv("SSL_CERT_FILE"); f != "" {
		files = []string{f}
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" {
				der = append(der, block.Bytes)
			}
		}
		return der
	}
	return nil
}
