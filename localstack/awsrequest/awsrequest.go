// Package awsrequest reads what more than one part of the local stack asks of
// an HTTP request to AWS: which credential signed it, whether it carries a
// signature, and whether it opens a WebSocket.
//
// It never verifies a signature: the local stack has no secret keys. It imports
// nothing of the stack, so every service can import it.
package awsrequest

import (
	"net/http"
	"strings"
)

// algorithm is that of SigV4 signatures (IAM User Guide, "Elements of an AWS
// API request signature").
const algorithm = "AWS4-HMAC-SHA256"

// Credential is the credential scope of a SigV4 signature,
// ID/date/region/service/aws4_request. Zero means that there is none.
type Credential struct {
	AccessKeyID string
	Service     string // signing name
}

// CredentialOf returns the credential in the Authorization header or, for a
// presigned URL, in the parameter X-Amz-Credential.
func CredentialOf(r *http.Request) Credential {
	var text string
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		text, _, _ = strings.Cut(rest, ",")
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") { // few requests need the costly parsing
		text = r.URL.Query().Get("X-Amz-Credential")
	}
	part := strings.Split(strings.TrimSpace(text), "/")
	n := len(part)
	if n < 5 || part[n-1] != "aws4_request" {
		return Credential{}
	}
	return Credential{AccessKeyID: strings.Join(part[:n-4], "/"), Service: part[n-2]} // an id may have slashes
}

// SignedInHeader reports whether the Authorization header has all parts of a
// SigV4 signature.
func SignedInHeader(r *http.Request) bool {
	parts, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	return ok && strings.Contains(parts, "Credential=") && strings.Contains(parts, "SignedHeaders=") &&
		strings.Contains(parts, "Signature=")
}

// SignedInQuery reports whether the URL has all parts of a SigV4 signature.
// Browsers put it there, because they cannot set the headers of a WebSocket
// handshake.
func SignedInQuery(r *http.Request) bool {
	query := r.URL.Query()
	return query.Get("X-Amz-Algorithm") == algorithm && query.Get("X-Amz-Credential") != "" &&
		query.Get("X-Amz-SignedHeaders") != "" && query.Get("X-Amz-Signature") != ""
}

// IsUpgrade reports whether the request asks for a WebSocket (RFC 6455 §4.2.1).
func IsUpgrade(r *http.Request) bool {
	return hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket")
}

// hasToken reports whether a header that lists tokens has this one (RFC 9110
// §5.6.1).
func hasToken(h http.Header, name, token string) bool {
	for _, value := range h.Values(name) {
		for t := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}
