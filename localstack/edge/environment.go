package edge

import (
	"maps"
	"net"
	"net/url"
	"runtime"
	"slices"
	"strings"
)

// Access says how the processes of functions find the stack by AWS's names.
type Access struct {
	// Address is HOST:PORT of the edge, as processes of this machine dial it.
	Address string
	// CAFile has the certificate that signs for AWS's names here, BundleFile
	// that and the system's roots (PEM).
	CAFile, BundleFile string
	// Direct are further hosts that are to be dialed without the proxy, such
	// as that of an AWS_ENDPOINT_URL that is not the stack's own.
	Direct []string
}

// proxyPassword is no secret: some clients send no user name without one.
const proxyPassword = "local"

// Environment returns the variables for a function's process. What they do is
// up to the libraries that it uses: docs/local-stack-tls.md.
func (a Access) Environment(function string) map[string]string {
	// The host of the Runtime API is the edge's.
	direct := []string{"127.0.0.1", "localhost", "::1"}
	host, _, err := net.SplitHostPort(a.Address)
	if err == nil {
		direct = append(direct, host)
	}
	direct = append(direct, a.Direct...)
	slices.Sort(direct)
	proxy := (&url.URL{Scheme: "http", User: url.UserPassword(function, proxyPassword), Host: a.Address}).String()
	env := map[string]string{
		"HTTPS_PROXY": proxy,
		"HTTP_PROXY":  proxy,
		"NO_PROXY":    strings.Join(slices.Compact(direct), ","),
		// Go, but for macOS and Windows; OpenSSL and what is built on it.
		"SSL_CERT_FILE":       a.BundleFile,
		"NODE_EXTRA_CA_CERTS": a.CAFile,
	}
	switch runtime.GOOS {
	case "darwin", "windows":
		// The AWS SDKs read it, Go itself reads nothing there. Elsewhere it is
		// left out: with it, the SDK for Go refuses to load its configuration
		// in programs that bring an HTTP client of their own.
		env["AWS_CA_BUNDLE"] = a.BundleFile
	}
	if runtime.GOOS != "windows" { // there, names of variables have no case
		for name, value := range maps.Clone(env) {
			if strings.HasSuffix(name, "_PROXY") {
				env[strings.ToLower(name)] = value
			}
		}
	}
	return env
}
