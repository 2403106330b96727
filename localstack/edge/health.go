package edge

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Health is the answer at HealthPath. The lists come from the template.
type Health struct {
	// Doing is what the stack is busy with, such as "building functions". The
	// status is 503 until it is empty, then 200.
	Doing string `json:"doing,omitempty"`
	// Services maps a service's signing name to "running".
	Services  map[string]string `json:"services"`
	Functions []string          `json:"functions"` // names
	Routes    []string          `json:"routes"`    // route keys
	// WebSocket is the URL that clients dial; empty without a WebSocket API.
	WebSocket string `json:"websocket"`
	PID       int    `json:"pid"`
}

// SetHealth replaces the health. The caller must not change its lists and maps
// afterwards.
func (e *Edge) SetHealth(h Health) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.health = h
}

// SetDoing sets Health.Doing and keeps the rest of the health; "" means that
// the stack is ready.
func (e *Edge) SetDoing(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.health.Doing = what
}

func (e *Edge) doing() string { return e.currentHealth().Doing }

func (e *Edge) currentHealth() Health {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.health
}

func (e *Edge) serveHealth(w http.ResponseWriter, r *http.Request) {
	if !reads(r) {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The health is read-only.", http.StatusMethodNotAllowed)
		return
	}
	h := e.currentHealth()
	status := http.StatusOK
	if h.Doing != "" {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	if h.Services == nil {
		h.Services = map[string]string{}
	}
	// Readers may rely on lists: they are never null.
	h.Functions = append([]string{}, h.Functions...)
	h.Routes = append([]string{}, h.Routes...)
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, "application/json", h)
}

// serveWelcome writes a page for people that says what runs at this address.
func (e *Edge) serveWelcome(w http.ResponseWriter, r *http.Request) {
	h := e.currentHealth()
	base := "http://" + r.Host // the name that the reader's browser can reach
	if r.TLS != nil {
		base = "https://" + r.Host
	}
	var b bytes.Buffer
	fmt.Fprint(&b, "This is a local AWS stack. It runs a SAM template on this machine.\n\n")
	if h.Doing != "" {
		fmt.Fprintf(&b, "It is not ready: %s.\n\n", h.Doing)
	}
	if h.WebSocket != "" {
		fmt.Fprintf(&b, "WebSocket   %s\n", h.WebSocket)
	}
	fmt.Fprintf(&b, "AWS APIs    AWS_ENDPOINT_URL=%s\n", base)
	fmt.Fprintf(&b, "health      %s%s\n", base, HealthPath)
	if len(h.Functions) > 0 {
		fmt.Fprintf(&b, "functions   %s\n", strings.Join(slices.Sorted(slices.Values(h.Functions)), ", "))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // fails only if the client has gone
}
