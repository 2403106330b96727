package authority

import (
	"fmt"
	"slices"
	"strings"
)

// Permit lets the authority sign for these names and their subdomains too; they
// replace the names of the last call. Use it for the custom domain names of a
// template's APIs. Another key, which is never written to disk, signs their
// certificates, so the key in the folder stays limited to the names of AWS.
// Programs that use the new names must read BundleFile again.
func (a *Authority) Permit(names ...string) error {
	commit, err := a.Prepare(names...)
	if err != nil {
		return err
	}
	commit()
	return nil
}

// Prepare is the first half of [Authority.Permit]. It creates the signer of the
// new names and adds it to BundleFile. The signer in use stays in the file and
// in use until commit is called. commit cannot fail, and the caller need not
// call it.
func (a *Authority) Prepare(names ...string) (commit func(), err error) {
	names = slices.Clone(names)
	for i, name := range names {
		names[i] = strings.TrimPrefix(strings.ToLower(name), "*.") // a constraint has no wildcards
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.custom == nil && len(names) == 0 || a.custom != nil && slices.Equal(a.custom.cert.PermittedDNSDomains, names) {
		return func() {}, nil
	}
	var next *signer
	if len(names) > 0 {
		s, err := newSigner(a.now(), names, nil)
		if err != nil {
			return nil, fmt.Errorf("authority: create a certificate for custom domains: %w", err)
		}
		next = &s
	}
	if err := a.writeBundle(a.custom, next); err != nil {
		return nil, err
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.custom = next
		clear(a.leaves)
		_ = a.writeBundle(next) // if it fails, the file also has the old certificate; its key no longer exists
	}, nil
}

// writeBundle writes BundleFile: the stored certificate, the certificates of
// the signers that are not nil, and the system's roots. The caller holds mu, or
// has not shared a yet.
func (a *Authority) writeBundle(custom ...*signer) error {
	bundle := pemCertificate(a.stored.cert.Raw)
	for _, s := range custom {
		if s != nil {
			bundle = append(bundle, pemCertificate(s.cert.Raw)...)
		}
	}
	for _, der := range systemRoots() {
		bundle = append(bundle, pemCertificate(der)...)
	}
	if err := replaceFile(a.BundleFile(), bundle); err != nil {
		return fmt.Errorf("authority: write the bundle: %w", err)
	}
	return nil
}
