package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// errorTypeHeader names an error to the SDKs, which make their typed errors of it (C8). AWS writes it in this case.
const errorTypeHeader = "x-amzn-ErrorType"

// Management returns the @connections API (apigatewaymanagementapi 2018-11-29): POST, GET and DELETE of /{stage}/@connections/{id}, and of
// /@connections/{id} for whoever has an endpoint without a stage. Requests must carry a SigV4 Authorization header; any credentials do.
func (g *Gateway) Management() http.Handler {
	return http.HandlerFunc(g.serveManagement)
}

func (g *Gateway) serveManagement(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-amzn-RequestId", newUUID())
	if !hasSigV4(r) {
		refuse(w, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	stage, id, ok := managementPath(r.URL)
	if !ok || !g.serves(r.Host, stage) {
		refuse(w, http.StatusForbidden, "ForbiddenException", forbiddenMessage)
		return
	}
	serve := map[string]func(http.ResponseWriter, *http.Request, *connection){
		http.MethodPost:   g.postToConnection,
		http.MethodGet:    g.getConnection,
		http.MethodDelete: g.deleteConnection,
	}[r.Method]
	switch {
	case serve == nil:
		refuse(w, http.StatusForbidden, "ForbiddenException", forbiddenMessage)
	case !validID(id) && (r.Method == http.MethodPost || !g.opts.Inferred.MalformedIDGone):
		invalidID(w, id)
	default:
		c := g.lookup(id)
		if c == nil || !matches(c.api, r.Host, stage) {
			gone(w)
			return
		}
		serve(w, r, c)
	}
}

func (g *Gateway) postToConnection(w http.ResponseWriter, r *http.Request, c *connection) {
	data, err := io.ReadAll(io.LimitReader(r.Body, int64(g.opts.Limits.Message)+1))
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "BadRequestException", "Bad Request")
		return
	case len(data) > g.opts.Limits.Message:
		refuse(w, http.StatusRequestEntityTooLarge, "PayloadTooLargeException",
			fmt.Sprintf("Payload is larger than %d bytes", g.opts.Limits.Message))
		return
	case len(data) == 0 && g.opts.Inferred.EmptyPostRefused:
		refuse(w, http.StatusBadRequest, "BadRequestException", "Data is empty")
		return
	}
	if c.faulted(w, r) {
		return
	}
	m := outgoing{kind: websocket.MessageText, data: data} // whatever its bytes (C10)
	if g.opts.Inferred.BinaryPosts && !utf8.Valid(data) {
		m.kind = websocket.MessageBinary
	}
	switch err := c.out.push(m); {
	case errors.Is(err, errBufferFull):
		refuse(w, http.StatusTooManyRequests, "LimitExceededException", "The client-side buffer is full")
	case err != nil:
		gone(w)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

func (g *Gateway) getConnection(w http.ResponseWriter, _ *http.Request, c *connection) {
	const layout = "2006-01-02T15:04:05.000Z"
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(struct {
		ConnectedAt  string   `json:"connectedAt"`
		Identity     identity `json:"identity"`
		LastActiveAt string   `json:"lastActiveAt"`
	}{
		c.connectedAt.UTC().Format(layout),
		c.identity,
		time.Unix(0, c.lastActive.Load()).UTC().Format(layout),
	})
}

// deleteConnection answers at once: what was posted before is still delivered, then the close frame (A8.5).
func (g *Gateway) deleteConnection(w http.ResponseWriter, _ *http.Request, c *connection) {
	c.end(closedNormally)
	w.WriteHeader(http.StatusNoContent)
}

// gone has no body: the header alone says it (C5).
func gone(w http.ResponseWriter) {
	w.Header()[errorTypeHeader] = []string{"GoneException"}
	w.WriteHeader(http.StatusGone)
}

func invalidID(w http.ResponseWriter, id string) {
	w.Header()[errorTypeHeader] = []string{"BadRequestException"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	quoted, _ := json.Marshal(id) // a string always marshals
	message, _ := json.Marshal("Invalid connectionId: " + id)
	fmt.Fprintf(w, `{"message": %s, "connectionId":%s, "requestId":"%s"}`, message, quoted, newID())
}

// managementPath splits /{stage}/@connections/{id} and /@connections/{id}. It works on the path as sent, so that an encoded slash stays inside
// its segment.
func managementPath(u *url.URL) (stage, id string, ok bool) {
	segments := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	for i, segment := range segments {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			return "", "", false
		}
		segments[i] = decoded
	}
	switch {
	case len(segments) == 2 && segments[0] == "@connections":
		return "", segments[1], true
	case len(segments) == 3 && segments[0] != "" && segments[1] == "@connections":
		return segments[0], segments[2], true
	}
	return "", "", false
}

// serves reports whether any API goes by this host and stage; the empty stage stands for all.
func (g *Gateway) serves(host, stage string) bool {
	for _, api := range g.apis {
		if matches(api, host, stage) {
			return true
		}
	}
	return false
}

func matches(api *API, host, stage string) bool {
	id := apiID(host)
	return (id == "" || strings.EqualFold(api.ID, id)) && (stage == "" || api.Stage == stage)
}

// hasSigV4 asks for the parts of a SigV4 signature, not for a valid one: there are no secret keys to check it with.
func hasSigV4(r *http.Request) bool {
	parts, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	return ok && strings.Contains(parts, "Credential=") && strings.Contains(parts, "SignedHeaders=") && strings.Contains(parts, "Signature=")
}
