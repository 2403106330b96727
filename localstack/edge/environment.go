package edge

import (
	"maps"
	"net"
	"net/url"
	"runtime"
	"slices"
	"strings"
)

// Access is what the processes of functions need to reach the stack by AWS's
// host names.
type Access struct {
	// Address is HOST:PORT of the edge, as processes on this machine dial it.
	Address string
	// CAFile has the certificate of the local authority that signs for AWS's
	// names; BundleFile has it and the system's roots (PEM).
	CAFile, BundleFile string
	// Direct are further hosts to dial without the proxy, such as that of an
	// AWS_ENDPOINT_URL other than the stack's.
	Direct []string
}

// proxyPassword is not a secret. Some clients send the user name only if there
// is a password.
const proxyPassword = "local"

// Environment returns the environment variables for a function's process. Which
// libraries honour them is in docs/local-stack-tls.md.
func (a Access) Environment(function string) map[string]string {
	// The Runtime API is at the edge's host.
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
		// Read by Go except on macOS and Windows, and by OpenSSL and programs
		// that use it.
		"SSL_CERT_FILE":       a.BundleFile,
		"NODE_EXTRA_CA_CERTS": a.CAFile,
	}
	switch runtime.GOOS {
	case "darwin", "windows":
		// Go reads no variable here, but the AWS SDKs read this one. Elsewhere
		// it is left out, because it makes the SDK for Go refuse to load its
		// configuration in programs that set their own HTTP client.
		env["AWS_CA_BUNDLE"] = a.BundleFile
	}
	if runtime.GOOS != "windows" { // whose variable names are case-insensitive
		for name, value := range maps.Clone(env) {
			if strings.HasSuffix(name, "_PROXY") {
				env[strings.ToLower(name)] = value
			}
		}
	}
	return env
}
