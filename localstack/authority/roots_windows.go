package authority

import (
	"slices"
	"syscall"
	"unsafe"
)

// systemRoots returns what this system trusts, or nothing: the stack works
// without it, only the network behind it does not. Windows fetches roots as it
// meets them, so that the store may hold fewer than it would trust.
func systemRoots() (der [][]byte) {
	name, err := syscall.UTF16PtrFromString("ROOT")
	if err != nil {
		return nil
	}
	store, err := syscall.CertOpenSystemStore(0, name)
	if err != nil {
		return nil
	}
	defer func() { _ = syscall.CertCloseStore(store, 0) }() // it was only read
	var c *syscall.CertContext
	for {
		// Frees the one before; the end of the store is an error.
		if c, err = syscall.CertEnumCertificatesInStore(store, c); err != nil || c == nil {
			return der
		}
		der = append(der, slices.Clone(unsafe.Slice(c.EncodedCert, c.Length)))
	}
}
