package stack

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/sam"
	"github.com/sotto-chat/sotto/localstack/static"
)

// checkWeb refuses a folder without a page; an empty dir is none.
func checkWeb(dir string) error {
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return &OptionError{Option: "Web", Value: dir, Err: static.ErrNoPage}
	}
	return nil
}

// webClient returns the handler of the web client's folder, which passes
// requests for files that do not exist to the gateway. It is nil without a
// folder.
func (s *services) webClient(plan *sam.Plan, g *gateway.Gateway) (http.Handler, error) {
	if s.opts.Web == "" {
		return nil, nil
	}
	o := static.Options{Dir: s.opts.Web}
	if g != nil {
		o.Else = g
	}
	if len(plan.APIs) > 0 {
		o.WebSocket = func(r *http.Request) string { return webSocketOrigin(r) + "/" + plan.APIs[0].Stage }
	}
	h, err := static.Handler(o)
	if errors.Is(err, static.ErrNoPage) { // removed since the start; the next deployment looks again
		s.opts.Progress(fmt.Sprintf("%v: no web client is served", err))
		return nil, nil
	}
	return h, err
}

// webSocketOrigin returns the origin of a request, for WebSockets. The page may
// connect to its own host only, under whichever name of the stack it was
// opened.
func webSocketOrigin(r *http.Request) string {
	if r.TLS != nil {
		return "wss://" + r.Host
	}
	return "ws://" + r.Host
}
