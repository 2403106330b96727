// Package authority is the certificate authority of a local AWS stack. It signs
// certificates for the host names of AWS and for this machine, so that the
// stack can serve programs that reach AWS by its names over TLS.
//
// Use it for processes that the stack starts: they get the file of
// [Authority.BundleFile] in their environment. The package never changes the
// trust store of the system. Name constraints (RFC 5280 §4.2.1.10) limit the
// authority to the API domains of AWS and to loopback, so a stolen key cannot
// sign for any other site.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	// caLifetime is long because users may have added the certificate to a
	// browser, and a new authority must be added again.
	caLifetime = 10 * 365 * 24 * time.Hour
	// backdated allows for clocks that are slow, as in virtual machines.
	backdated = time.Hour
)

// domains are the only domains that the authority may sign for, including their
// subdomains: the API domains of AWS (partitions aws, aws-us-gov and aws-cn),
// in which only AWS can create hosts, and localhost.
var domains = []string{"amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn", "localhost"}

// loopback holds the only addresses that the authority may sign for.
var loopback = []*net.IPNet{
	{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
	{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
}

// Authority signs certificates. Its methods may be called concurrently.
type Authority struct {
	dir     string
	now     func() time.Time
	stored  signer            // the one in the folder
	leafKey *ecdsa.PrivateKey // the key of all leaves; never written to disk

	mu     sync.Mutex
	custom *signer          // signs the names of Permit; nil if there are none
	leaves map[string]*leaf // by name
}

// signer is a certificate that signs others, with its key.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Open opens the authority in a folder. It creates the folder and the authority
// if they do not exist, and a new authority if the one in the folder has
// expired or has lost its key or certificate. It returns an error with the
// file's name if a file is damaged.
//
// The folder holds ca.pem, bundle.pem and ca-key.pem (mode 0600).
func Open(dir string) (*Authority, error) { return open(dir, time.Now) }

func open(dir string, now func() time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("authority: create its folder: %w", err)
	}
	dir, err := filepath.Abs(dir) // functions have another working directory
	if err != nil {
		return nil, fmt.Errorf("authority: locate its folder: %w", err)
	}
	a := &Authority{dir: dir, now: now, leaves: make(map[string]*leaf)}
	found, err := a.load()
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	if !found {
		if err := a.create(); err != nil {
			return nil, fmt.Errorf("authority: create a certificate: %w", err)
		}
	}
	// The system's roots may have changed since the last start.
	if err := a.writeBundle(); err != nil {
		return nil, err
	}
	if a.leafKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("authority: generate a key: %w", err)
	}
	return a, nil
}

// CAFile returns the absolute path of the authority's certificate (PEM).
func (a *Authority) CAFile() string { return filepath.Join(a.dir, "ca.pem") }

// BundleFile returns the absolute path of a PEM file with the authority's
// certificate and the roots that this system trusts. It is for programs that
// take all their roots from one file; with it they can reach the real network
// too.
func (a *Authority) BundleFile() string { return filepath.Join(a.dir, "bundle.pem") }

func (a *Authority) keyFile() string { return filepath.Join(a.dir, "ca-key.pem") }

// load reads the authority from the folder. found is false if a new one must be
// created.
func (a *Authority) load() (found bool, err error) {
	key, err := readPEM(a.keyFile(), "PRIVATE KEY", x509.ParsePKCS8PrivateKey)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	cert, err := readPEM(a.CAFile(), "CERTIFICATE", x509.ParseCertificate)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	// A copied folder may have lost the mode.
	if err := os.Chmod(a.keyFile(), 0o600); err != nil {
		return false, fmt.Errorf("protect the key: %w", err)
	}
	signing, ok := key.(*ecdsa.PrivateKey)
	if !ok || !signing.PublicKey.Equal(cert.PublicKey) || !a.now().Before(cert.NotAfter) {
		return false, nil
	}
	if !slices.Equal(cert.PermittedDNSDomains, domains) {
		return false, nil // another version of this program signed for other names
	}
	a.stored = signer{cert, signing}
	return true, nil
}

// create creates the authority and writes it to the folder. It writes the key
// first, because a certificate without its key is useless.
func (a *Authority) create() (err error) {
	if a.stored, err = newSigner(a.now(), domains, loopback); err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(a.stored.key)
	if err != nil {
		return err
	}
	if err := replaceFile(a.keyFile(), pem.EncodeToMemory(&pem.Block{
		Type:  "PRIVATE KEY",
		Bytes: private,
	})); err != nil {
		return err
	}
	return replaceFile(a.CAFile(), pemCertificate(a.stored.cert.Raw))
}

// newSigner returns a new signer that may sign for these names, their
// subdomains and these addresses.
func newSigner(now time.Time, names []string, addresses []*net.IPNet) (signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return signer{}, err
	}
	serial := newSerial()
	template := &x509.Certificate{
		SerialNumber: serial,
		// Trust stores identify authorities by name, and every folder has its
		// own authority.
		Subject:               pkix.Name{CommonName: "Sotto local stack " + hex.EncodeToString(serial.Bytes()[:4])},
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(caLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
		// Verifiers apply this to the leaves too, so they are invalid for code
		// and mail.
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         names,
		PermittedIPRanges:           addresses,
	}
	if len(addresses) == 0 { // without a constraint on addresses all are permitted
		template.ExcludedIPRanges = []*net.IPNet{
			{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
			{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return signer{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return signer{cert, key}, err
}

func pemCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// readPEM reads the PEM block of a file, which must have the given type.
func readPEM[T any](path, blockType string, parse func([]byte) (T, error)) (value T, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return value, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != blockType {
		return value, fmt.Errorf("%s has no %s; remove it, and the next start creates a new one", path, blockType)
	}
	if value, err = parse(block.Bytes); err != nil {
		return value, fmt.Errorf("read %s (remove it, and the next start creates a new one): %w", path, err)
	}
	return value, nil
}

// replaceFile atomically replaces a file, with mode 0600.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// newSerial returns a positive number with 126 random bits (RFC 5280 §4.1.2.2).
func newSerial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}
