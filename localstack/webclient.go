package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/sotto-chat/sotto/localstack/sam"
	"github.com/sotto-chat/sotto/localstack/static"
)

// defaultWeb is the folder beside the template that is served if it is there.
var defaultWeb = filepath.Join("clients", "web", "dist")

// webFolder is the web client's folder, as an absolute path; "" means that none
// is served, which note says why. A folder that was asked for has to be there.
func webFolder(o options) (dir, note string, err error) {
	asked := o.web
	if asked == "" {
		asked = filepath.Join(templateDir(o.template), defaultWeb)
	}
	dir, err = filepath.Abs(asked)
	if err != nil {
		return "", "", fmt.Errorf("locate the web client: %w", err)
	}
	_, err = os.Stat(filepath.Join(dir, "index.html"))
	switch {
	case err == nil:
		return dir, "", nil
	case o.web != "":
		return "", "", usageError{fmt.Errorf("-web %s: %w; name the folder that the build wrote", o.web, static.ErrNoPage)}
	}
	return "", fmt.Sprintf("no web client is served: %v in %s (-web DIR names another folder)",
		static.ErrNoPage, asked), nil
}

// webClient serves the web client's folder, and leaves to the gateway what is
// not in it. It is nil without a folder.
func (s *stack) webClient(plan *sam.Plan) (http.Handler, error) {
	if s.web == "" {
		return nil, nil
	}
	o := static.Options{Dir: s.web}
	if s.gateway != nil {
		o.Else = s.gateway
	}
	if len(plan.APIs) > 0 {
		o.WebSocket = func(r *http.Request) string { return webSocketOf(r) + "/" + plan.APIs[0].Stage }
	}
	h, err := static.Handler(o)
	if errors.Is(err, static.ErrNoPage) { // removed since the start: until the next deployment
		s.console.say("%v: no web client is served", err)
		return nil, nil
	}
	return h, err
}

// webSocketOf is the origin that a request came to, for WebSockets: the page
// may speak to its own host only, by whichever of the stack's names it was
// opened.
func webSocketOf(r *http.Request) string {
	if r.TLS != nil {
		return "wss://" + r.Host
	}
	return "ws://" + r.Host
}

func stages(plan *sam.Plan) []string {
	var names []string
	for _, a := range plan.APIs {
		names = append(names, a.Stage)
	}
	return names
}
