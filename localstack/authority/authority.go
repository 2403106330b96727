// Package authority is the certificate authority of a local AWS stack: it makes
// certificates for AWS's host names and for this machine's own, so that
// programs which know AWS only by name and by TLS can be answered here.
//
// Use it for processes that the stack itself starts and tells of it
// ([Authority.BundleFile]). It never touches the trust store of the system, and
// what it signs is good for nothing else: the certificate's name constraints
// (RFC 5280 §4.2.1.10) keep to AWS's API domains and loopback, so that whoever
// gets hold of the key cannot pretend to be anybody's bank.
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
	// caLifetime is long since to replace an authority means to tell everybody
	// who was told to trust it.
	caLifetime = 10 * 365 * 24 * time.Hour
	// backdated allows for clocks that are behind, as those of virtual machines
	// are.
	backdated = time.Hour
)

// domains are all that the authority may speak for, names below them included.
// AWS owns them; the first four are those of its APIs (partitions aws,
// aws-us-gov and aws-cn), which nobody else can have a host in but by AWS.
var domains = []string{"amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn", "localhost"}

// loopback are the only addresses that it may speak for.
var loopback = []*net.IPNet{
	{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
	{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
}

// Authority signs certificates. Its methods may be called concurrently.
type Authority struct {
	dir     string
	now     func() time.Time
	kept    signer            // of the folder
	leafKey *ecdsa.PrivateKey // of all leaves; it lives as long as the process

	mu     sync.Mutex
	custom *signer          // of Permit; nil without
	leaves map[string]*leaf // by name
}

// signer is a certificate that signs others, with its key.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Open returns the authority of a folder. It makes both on first start, and a
// new authority when the one there has expired or lost its key or certificate.
// Files that it cannot read are an error, which names them.
//
// The folder holds ca.pem, bundle.pem, and ca-key.pem, which only its owner
// can read.
func Open(dir string) (*Authority, error) { return open(dir, time.Now) }

func open(dir string, now func() time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("authority: make its folder: %w", err)
	}
	dir, err := filepath.Abs(dir) // functions run elsewhere
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
			return nil, fmt.Errorf("authority: make a certificate: %w", err)
		}
	}
	// The system's roots may have changed since the last start.
	if err := a.writeBundle(); err != nil {
		return nil, err
	}
	if a.leafKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("authority: make a key: %w", err)
	}
	return a, nil
}

// CAFile is the path of the authority's certificate (PEM).
func (a *Authority) CAFile() string { return filepath.Join(a.dir, "ca.pem") }

// BundleFile is the path of the authority's certificate followed by the roots
// that this system trusts (PEM): for programs that trust one file and nothing
// else, which then can also reach the real network.
func (a *Authority) BundleFile() string { return filepath.Join(a.dir, "bundle.pem") }

func (a *Authority) keyFile() string { return filepath.Join(a.dir, "ca-key.pem") }

// load reads the authority; found is false if there is none that can be used.
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
		return false, nil // of another version, which spoke for other names
	}
	a.kept = signer{cert, signing}
	return true, nil
}

// create makes the authority of the folder. The key is kept first: a
// certificate without its key would be told to programs for nothing.
func (a *Authority) create() (err error) {
	if a.kept, err = newSigner(a.now(), domains, loopback); err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(a.kept.key)
	if err != nil {
		return err
	}
	if err := replaceFile(a.keyFile(), pem.EncodeToMemory(&pem.Block{
		Type:  "PRIVATE KEY",
		Bytes: private,
	})); err != nil {
		return err
	}
	return replaceFile(a.CAFile(), pemCertificate(a.kept.cert.Raw))
}

// newSigner makes an authority that may speak for these names, for what is
// below them, and for these addresses.
func newSigner(now time.Time, names []string, addresses []*net.IPNet) (signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return signer{}, err
	}
	serial := newSerial()
	template := &x509.Certificate{
		SerialNumber: serial,
		// Trust stores tell authorities apart by name, and there is one for
		// each folder.
		Subject:               pkix.Name{CommonName: "Sotto local stack " + hex.EncodeToString(serial.Bytes()[:4])},
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(caLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
		// Whoever verifies a chain holds leaves to this too: no signed code or
		// mail.
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         names,
		PermittedIPRanges:           addresses,
	}
	if len(addresses) == 0 { // without a word about addresses all would be permitted
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

// readPEM reads a file with one PEM block of that type.
func readPEM[T any](path, blockType string, parse func([]byte) (T, error)) (value T, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return value, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != blockType {
		return value, fmt.Errorf("%s has no %s; remove it to have a new one made", path, blockType)
	}
	if value, err = parse(block.Bytes); err != nil {
		return value, fmt.Errorf("read %s (remove it to have a new one made): %w", path, err)
	}
	return value, nil
}

// replaceFile writes a file that only its owner can read, whole or not at all.
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

// newSerial is positive and has 127 random bits (RFC 5280 §4.1.2.2).
func newSerial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}
