package edge

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// credential is what a SigV4 signature says of its maker:
// ID/date/region/service/aws4_request. It is read, never checked: there is no
// secret here to check it with.
type credential struct {
	accessKeyID string
	service     string // signing name
}

// credentialOf reads the credential from the Authorization header or, of a
// presigned URL, from X-Amz-Credential. It is zero if neither has one.
func credentialOf(r *http.Request) credential {
	var text string
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		text, _, _ = strings.Cut(rest, ",")
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") { // parsing costs more than most requests do
		text = r.URL.Query().Get("X-Amz-Credential")
	}
	part := strings.Split(strings.TrimSpace(text), "/")
	n := len(part)
	if n < 5 || part[n-1] != "aws4_request" {
		return credential{}
	}
	return credential{accessKeyID: strings.Join(part[:n-4], "/"), service: part[n-2]} // an id may hold slashes
}

// signed reports whether the request carries a signature, in the header or, as
// presigned URLs do, in the query. A page on another origin can write any
// query, so from such a page only the header counts, which it cannot add.
func signed(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" {
		return true
	}
	return strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") &&
		r.URL.Query().Get("X-Amz-Signature") != "" && !fromForeignPage(r)
}

// fromForeignPage reports whether a browser says that a page of another origin
// makes the request: it sends Origin with what could change something and
// Sec-Fetch-Site with everything, and no script can remove them (Fetch
// standard; Fetch Metadata).
func fromForeignPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin": // no browser, the address bar, or the stack's own page
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}

// withCaller puts the function that the access key id belongs to into the
// request's context. Other keys are those of somebody outside.
func withCaller(r *http.Request, callers func(accessKeyID string) (trace.Caller, bool),
	accessKeyID string) *http.Request {
	if callers == nil || accessKeyID == "" {
		return r
	}
	caller, ok := callers(accessKeyID)
	if !ok {
		return r
	}
	return r.WithContext(trace.WithCaller(r.Context(), caller))
}
