package awsrequest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// get returns a GET of the path with pairs of header names and values.
func get(path string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

const (
	scope       = "AKID/20261122/us-east-1/kms/aws4_request"
	header      = "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host, Signature=0"
	queryPrefix = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
	query       = queryPrefix + "AKID%2F20261122%2Fus-east-1%2Fkms%2Faws4_request&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
)

func TestCredentialOf(t *testing.T) {
	signer := Credential{AccessKeyID: "AKID", Service: "kms"}
	for _, tt := range []struct {
		name string
		r    *http.Request
		want Credential
	}{
		{"header", get("/", "Authorization", header), signer},
		{"query", get(query), signer},
		{"header before query", get(query, "Authorization", "AWS4-HMAC-SHA256 Credential=ID/d/r/lambda/aws4_request"),
			Credential{AccessKeyID: "ID", Service: "lambda"}},
		{"slash in the id", get("/", "Authorization", "AWS4-HMAC-SHA256 Credential=a/"+scope),
			Credential{AccessKeyID: "a/AKID", Service: "kms"}},
		{"none", get("/"), Credential{}},
		{"no scope", get("/", "Authorization", "AWS4-HMAC-SHA256 Credential=AKID"), Credential{}},
		{"another scheme", get("/", "Authorization", "Bearer x"), Credential{}},
		{"another ending", get("/", "Authorization", "AWS4-HMAC-SHA256 Credential=AKID/d/r/kms/aws5"), Credential{}},
	} {
		if got := CredentialOf(tt.r); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestSigned(t *testing.T) {
	for _, tt := range []struct {
		name            string
		r               *http.Request
		inHeader, inURL bool
	}{
		{"header", get("/", "Authorization", header), true, false},
		{"query", get(query), false, true},
		{"neither", get("/"), false, false},
		{"credential only", get("/", "Authorization", "AWS4-HMAC-SHA256 Credential="+scope), false, false},
		{"another scheme", get("/", "Authorization", "Bearer x"), false, false},
		{"credential in the query only", get(queryPrefix + scope), false, false},
	} {
		if got := SignedInHeader(tt.r); got != tt.inHeader {
			t.Errorf("%s: SignedInHeader returned %t, want %t", tt.name, got, tt.inHeader)
		}
		if got := SignedInQuery(tt.r); got != tt.inURL {
			t.Errorf("%s: SignedInQuery returned %t, want %t", tt.name, got, tt.inURL)
		}
	}
}

func TestIsUpgrade(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    *http.Request
		want bool
	}{
		{"plain", get("/", "Connection", "Upgrade", "Upgrade", "websocket"), true},
		{"lists, other case", get("/", "Connection", "keep-alive, UPGRADE", "Upgrade", "h2c , WebSocket"), true},
		{"two headers", get("/", "Connection", "keep-alive", "Connection", "upgrade", "Upgrade", "websocket"), true},
		{"no Upgrade", get("/", "Connection", "upgrade"), false},
		{"no Connection", get("/", "Upgrade", "websocket"), false},
		{"longer token", get("/", "Connection", "upgrades", "Upgrade", "websocket"), false},
	} {
		if got := IsUpgrade(tt.r); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}
