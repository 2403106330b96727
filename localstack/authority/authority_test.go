package authority_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/authority"
)

func TestMain(m *testing.M) {
	// Only one test needs system roots, and it sets its own file.
	if err := os.Setenv("SSL_CERT_FILE", os.DevNull); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func open(t *testing.T, dir string) *authority.Authority {
	t.Helper()
	a, err := authority.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func pool(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(read(t, path)) {
		t.Fatalf("%s has no certificate", path)
	}
	return p
}

// serve serves TLS with config on a port. It returns a client that trusts the
// certificates in the file and dials the port for every name.
func serve(t *testing.T, config *tls.Config, trust string) *http.Client {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Host)
	}))
	server.Listener.Close()
	server.Listener = tls.NewListener(inner, config)
	server.Config.ErrorLog = discard
	server.Start()
	t.Cleanup(server.Close)
	return clientOf(t, inner.Addr().String(), trust)
}

func TestSecondStartUsesTheSameAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "authority")
	first := open(t, dir)
	key, ca := read(t, filepath.Join(dir, "ca-key.pem")), read(t, first.CAFile())
	if !filepath.IsAbs(first.CAFile()) || !filepath.IsAbs(first.BundleFile()) {
		t.Errorf("got the paths %s and %s, want absolute ones for functions, which have another working directory",
			first.CAFile(), first.BundleFile())
	}
	if err := os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o644); err != nil { // as in a careless copy
		t.Fatal(err)
	}
	second := open(t, dir)
	if !bytes.Equal(key, read(t, filepath.Join(dir, "ca-key.pem"))) || !bytes.Equal(ca, read(t, second.CAFile())) {
		t.Error("the second start has another authority, want the same")
	}
	if info, err := os.Stat(filepath.Join(dir, "ca-key.pem")); err != nil {
		t.Error(err)
	} else if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %o, want 600", info.Mode().Perm())
	}
	// Clients that trust the first one accept what the second one signs.
	client := serve(t, second.TLSConfig(), first.CAFile())
	response, err := client.Get("https://kms.us-east-1.amazonaws.com/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestUnusableAuthorityIsReplaced(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, key, ca string)
	}{
		{"no key", func(t *testing.T, key, _ string) { remove(t, key) }},
		{"no certificate", func(t *testing.T, _, ca string) { remove(t, ca) }},
		{"another's key", func(t *testing.T, key, _ string) {
			other := t.TempDir()
			open(t, other)
			if err := os.WriteFile(key, read(t, filepath.Join(other, "ca-key.pem")), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"expired", func(t *testing.T, key, ca string) {
			remove(t, key)
			long := func() time.Time { return time.Now().AddDate(-11, 0, 0) }
			if _, err := authority.OpenAt(filepath.Dir(ca), long); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			a := open(t, dir)
			c.spoil(t, filepath.Join(dir, "ca-key.pem"), a.CAFile())
			old, _ := os.ReadFile(a.CAFile()) // may have been removed
			a = open(t, dir)
			if bytes.Equal(old, read(t, a.CAFile())) {
				t.Error("Open returned the old authority, want a new one")
			}
			client := serve(t, a.TLSConfig(), a.CAFile())
			response, err := client.Get("https://localhost/")
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestErrorNamesADamagedFile(t *testing.T) {
	for _, name := range []string{"ca-key.pem", "ca.pem"} {
		for _, text := range []string{"", "nonsense",
			"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
			"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
			dir := t.TempDir()
			open(t, dir)
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := authority.Open(dir); err == nil ||
				!strings.Contains(err.Error(), filepath.Join(dir, name)) ||
				!strings.Contains(err.Error(), "remove it") {
				t.Errorf("%s with %q: got %v, want an error that names the file and says to remove it", name, text, err)
			}
		}
	}
}

func TestBundleHasSystemRoots(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("on Windows the system's roots are in a store, not a file")
	}
	other := open(t, t.TempDir())
	t.Setenv("SSL_CERT_FILE", other.CAFile())
	a := open(t, t.TempDir())
	bundle, ca := read(t, a.BundleFile()), read(t, a.CAFile())
	if !bytes.HasPrefix(bundle, ca) {
		t.Error("the bundle does not begin with the authority's certificate")
	}
	if !bytes.Equal(bundle[len(ca):], read(t, other.CAFile())) {
		t.Error("the bundle does not end with the system's roots")
	}
	if bytes.Contains(bundle, []byte("PRIVATE")) {
		t.Error("the bundle contains a private key")
	}
}

func TestCustomDomains(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	get := func(name string) error {
		response, err := serve(t, a.TLSConfig(), a.BundleFile()).Get("https://" + name + "/")
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	if err := get("ws.example.com"); err == nil {
		t.Error("ws.example.com before Permit: got a certificate, want an error")
	}
	if err := a.Permit("ws.example.com", "*.Wild.example"); err != nil {
		t.Fatal(err)
	}
	bundle := read(t, a.BundleFile())
	for name, ok := range map[string]bool{
		"ws.example.com": true, "below.wild.example": true, "kms.us-east-1.amazonaws.com": true,
		"example.com": false, "other.example.com": false,
	} {
		if err := get(name); (err == nil) != ok {
			t.Errorf("%s: got %v, want success %t", name, err, ok)
		}
	}
	if err := a.Permit("ws.example.com", "*.wild.example"); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bundle, read(t, a.BundleFile())) {
		t.Error("Permit with the same names changed the bundle, which running functions have read")
	}
	if err := a.Permit(); err != nil {
		t.Fatal(err)
	}
	if err := get("ws.example.com"); err == nil {
		t.Error("ws.example.com after Permit without names: got a certificate, want an error")
	}
	if len(read(t, a.BundleFile())) >= len(bundle) {
		t.Error("the bundle still has the certificate of the custom domain's signer")
	}
	// The signer's key must not be in the folder.
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("the folder holds %v (%v), want 3 files", files, err)
	}
}

// TestNameConstraintsLimitALeakedKey signs with the key from the folder for
// names that the package never signs for. Clients must refuse them.
//
// Vulnerability: developers add local authorities to browsers and systems.
// Attack: an attacker who reads the key signs for the name of a bank. Verified:
// clients refuse the certificate because of the authority's name constraints.
func TestNameConstraintsLimitALeakedKey(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	block, _ := pem.Decode(read(t, filepath.Join(dir, "ca-key.pem")))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(*ecdsa.PrivateKey)
	block, _ = pem.Decode(read(t, a.CAFile()))
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host string
		ok   bool
	}{
		{"dynamodb.eu-central-1.amazonaws.com", true}, // the method works: allowed names are accepted
		{"kms.us-east-1.api.aws", true},
		{"127.0.0.1", true},
		{"bank.example", false},
		{"amazonaws.com.bank.example", false},
		{"evilamazonaws.com", false},
		{"console.aws.amazon.com", false},
		{"10.0.0.1", false},
		{"8.8.8.8", false},
		{"2001:db8::1", false},
	} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(2),
			NotBefore:    time.Now().Add(-time.Minute),
			NotAfter:     time.Now().Add(time.Hour),
			KeyUsage:     x509.KeyUsageDigitalSignature,
			ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		if ip := net.ParseIP(c.host); ip != nil {
			template.IPAddresses = []net.IP{ip}
		} else {
			template.DNSNames = []string{c.host}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		client := serve(t, &tls.Config{Certificates: []tls.Certificate{{
			Certificate: [][]byte{der},
			PrivateKey:  key,
		}}}, a.CAFile())
		host := c.host
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		response, err := client.Get("https://" + host + "/")
		if err == nil {
			response.Body.Close()
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v, want success %t", c.host, err, c.ok)
		}
		if !c.ok && err != nil && !strings.Contains(err.Error(), "constraint") {
			t.Errorf("%s: got %v, want an error about a constraint", c.host, err)
		}
	}
	if ca.MaxPathLen != 0 || !ca.MaxPathLenZero || len(ca.ExtKeyUsage) != 1 ||
		ca.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("path length %d and usages %v, want an authority that signs server certificates only",
			ca.MaxPathLen, ca.ExtKeyUsage)
	}
	if years := time.Until(ca.NotAfter).Hours() / 24 / 365; years < 9.9 || years > 10.1 {
		t.Errorf("the authority is valid for %.1f years, want 10", years)
	}
}
