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
	// The system's roots are many, and of interest to one test only, which sets
	// its own.
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

// serve answers TLS with config on a real port and returns a client that trusts
// the file's certificates and dials the port whatever the name.
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

func TestSecondStartKeepsTheAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "authority")
	first := open(t, dir)
	key, ca := read(t, filepath.Join(dir, "ca-key.pem")), read(t, first.CAFile())
	if !filepath.IsAbs(first.CAFile()) || !filepath.IsAbs(first.BundleFile()) {
		t.Error("paths are for processes that run elsewhere, so they must be absolute")
	}
	if err := os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o644); err != nil { // as a careless copy has it
		t.Fatal(err)
	}
	second := open(t, dir)
	if !bytes.Equal(key, read(t, filepath.Join(dir, "ca-key.pem"))) || !bytes.Equal(ca, read(t, second.CAFile())) {
		t.Error("the second start has another authority")
	}
	if info, err := os.Stat(filepath.Join(dir, "ca-key.pem")); err != nil {
		t.Error(err)
	} else if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %o", info.Mode().Perm())
	}
	// What the second one signs is good for who trusts the first.
	client := serve(t, second.TLSConfig(), first.CAFile())
	response, err := client.Get("https://kms.us-east-1.amazonaws.com/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestNewAuthorityWhenTheOldOneIsOfNoUse(t *testing.T) {
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
			old, _ := os.ReadFile(a.CAFile()) // may be gone
			a = open(t, dir)
			if bytes.Equal(old, read(t, a.CAFile())) {
				t.Error("the authority is the old one")
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

func TestUnreadableFilesAreNamed(t *testing.T) {
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
				t.Errorf("%s with %q: %v", name, text, err)
			}
		}
	}
}

func TestBundleHasTheSystemsRootsToo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system's roots are in a store there")
	}
	other := open(t, t.TempDir())
	t.Setenv("SSL_CERT_FILE", other.CAFile())
	a := open(t, t.TempDir())
	bundle, ca := read(t, a.BundleFile()), read(t, a.CAFile())
	if !bytes.HasPrefix(bundle, ca) {
		t.Error("the bundle does not begin with the authority's certificate")
	}
	if !bytes.Equal(bundle[len(ca):], read(t, other.CAFile())) {
		t.Error("the bundle lacks what the system trusts")
	}
	if bytes.Contains(bundle, []byte("PRIVATE")) {
		t.Error("the bundle has a private key")
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
		t.Error("a certificate for a name that nobody permitted")
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
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Permit("ws.example.com", "*.wild.example"); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bundle, read(t, a.BundleFile())) {
		t.Error("the same names again change whom programs that run should trust")
	}
	if err := a.Permit(); err != nil {
		t.Fatal(err)
	}
	if err := get("ws.example.com"); err == nil {
		t.Error("the name is still spoken for")
	}
	if len(read(t, a.BundleFile())) >= len(bundle) {
		t.Error("the bundle still trusts the custom domain's authority")
	}
	// Its key must not be anywhere in the folder.
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("the folder has %v, %v", files, err)
	}
}

// TestLeakedKeySpeaksForNobodyElse signs with the key from the folder what the
// package itself never would, and has it refused.
//
// Vulnerability: developers tell browsers and systems to trust local
// authorities. Attack: who reads the key signs for the bank's name. Verified:
// the constraints in the certificate make clients refuse it.
func TestLeakedKeySpeaksForNobodyElse(t *testing.T) {
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
		{"dynamodb.eu-central-1.amazonaws.com", true}, // or what follows would prove nothing
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
			t.Errorf("%s: %v", c.host, err)
		}
		if !c.ok && err != nil && !strings.Contains(err.Error(), "constraint") {
			t.Errorf("%s is refused for another reason: %v", c.host, err)
		}
	}
	if ca.MaxPathLen != 0 || !ca.MaxPathLenZero || len(ca.ExtKeyUsage) != 1 ||
		ca.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Error("the authority could make other authorities, or sign other things than servers")
	}
	if years := time.Until(ca.NotAfter).Hours() / 24 / 365; years < 9.9 || years > 10.1 {
		t.Errorf("the authority is good for %.1f years", years)
	}
}
