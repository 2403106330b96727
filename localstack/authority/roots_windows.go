package authority

import (
	"slices"
	"syscall"
	"unsafe"
)

// systemRoots returns the certificates in the system's store, nil if there are
// none: the stack works without them, but functions cannot reach the network
// over TLS. Windows downloads roots when it needs them, so the store may hold
// fewer than the system trusts.
func systemRoots() (der [][]byte) {
	name, err := syscall.UTF16PtrFromString("ROOT")
	if err != nil {
		return nil
	}
	store, err := syscall.CertOpenSystemStore(0, name)
	if err != nil {
		return nil
	}
	defer func() { _ = syscall.CertCloseStore(store, 0) }() // it was only read from
	var c *syscall.CertContext
	for {
		// The call frees the previous context. The end of the store is an
		// error.
		if c, err = syscall.CertEnumCertificatesInStore(store, c); err != nil || c == nil {
			return der
		}
		der = append(der, slices.Clone(unsafe.Slice(c.EncodedCert, c.Length)))
	}
}
