package inspect

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

const (
	// keepAlive is how often an idle event stream sends a comment, so that the
	// page notices when the stack has ended.
	keepAlive = 15 * time.Second
	// maxItems bounds the items that one request shows.
	maxItems = 100
)

// policy lets the page load its own files and call its own server only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page at base, which ends in a slash. Below base it serves
// state, bill and permissions (JSON), events (server-sent events with numbers
// above ?after=) and items?table=NAME (JSON).
func (in *Inspector) Handler(base string) http.Handler {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, r *http.Request) { answer(w, in.State()) })
	mux.HandleFunc("GET /bill", func(w http.ResponseWriter, r *http.Request) { answer(w, in.Bill()) })
	mux.HandleFunc("GET /permissions", func(w http.ResponseWriter, r *http.Request) { answer(w, in.Permissions()) })
	mux.HandleFunc("GET /events", in.serveEvents)
	mux.HandleFunc("GET /items", in.serveItems)
	stripped := http.StripPrefix(strings.TrimSuffix(base, "/"), mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		stripped.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "failed to encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n'))
}

// serveEvents streams the events above the number in after or Last-Event-ID
// until the client disconnects.
func (in *Inspector) serveEvents(w http.ResponseWriter, r *http.Request) {
	var seen uint64
	for _, from := range []string{r.URL.Query().Get("after"), r.Header.Get("Last-Event-ID")} {
		if from == "" {
			continue
		}
		n, err := strconv.ParseUint(from, 10, 64)
		if err != nil {
			http.Error(w, "after is not a number", http.StatusBadRequest)
			return
		}
		seen = n
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		entries, more := in.after(seen)
		for _, e := range entries {
			data, err := json.Marshal(e)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Number, data); err != nil {
				return
			}
			seen = e.Number
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-more:
		case <-tick.C:
			if _, err := fmt.Fprint(w, ": alive\n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

func (in *Inspector) serveItems(w http.ResponseWriter, r *http.Request) {
	in.mu.Lock()
	items := in.source.Items
	in.mu.Unlock()
	if items == nil {
		http.Error(w, "the tables are not open yet", http.StatusServiceUnavailable)
		return
	}
	list, err := items(r.Context(), r.URL.Query().Get("table"), maxItems)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if list == nil {
		list = []json.RawMessage{}
	}
	answer(w, list)
}
