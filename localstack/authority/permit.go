package authority

import (
	"fmt"
	"slices"
	"strings"
)

// Permit lets the authority also sign for these names and for names below them,
// instead of those of the last call. They are the custom domain names of a
// template's APIs. Their certificates are signed with a key that is never
// written to a file, so that the key in the folder stays limited to AWS's
// names. Programs that are to trust the new names must read BundleFile again.
func (a *Authority) Permit(names ...string) error {
	commit, err := a.Prepare(names...)
	if err != nil {
		return err
	}
	commit()
	return nil
}

// Prepare is the first half of [Authority.Permit]: it makes the signer of the
// new names and adds it to BundleFile, beside the one in use, which goes on
// signing. commit, which cannot fail, is the second half; it may be dropped.
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
			return nil, fmt.Errorf("authority: make a certificate for custom domains: %w", err)
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
		_ = a.writeBundle(next) // on failure the file also has the old certificate, whose key is gone
	}, nil
}

// writeBundle writes the certificates of the folder's authority and of these
// signers, those that are not nil, and the system's roots. It must be called
// with mu held or before anybody else has a.
func (a *Authority) writeBundle(custom ...*signer) error {
	bundle := pemCertificate(a.kept.cert.Raw)
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
