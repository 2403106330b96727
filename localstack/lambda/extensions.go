package lambda

import (
	"encoding/json"
	"io"
	"net/http"
)

// serveRegister registers an internal extension: aws-lambda-go does so for
// WithEnableSIGTERM, to be warned before it is stopped. Extensions that want
// events are refused rather than left waiting for them.
func (s *Service) serveRegister(w http.ResponseWriter, r *http.Request, in *instance) {
	if r.Header.Get("Lambda-Extension-Name") == "" {
		runtimeFail(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	var body struct {
		Events []string `json:"events"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&body); err != nil {
		runtimeFail(w, http.StatusBadRequest, "InvalidRequestFormat", "Body is not a JSON object")
		return
	}
	if len(body.Events) > 0 {
		runtimeFail(w, http.StatusForbidden, "Extension.InvalidEventType",
			body.Events[0]+" events are not supported by the local Lambda service")
		return
	}
	id := newRequestID()
	s.mu.Lock()
	if in.state != StateStarting || in.asking {
		s.mu.Unlock()
		runtimeFail(w, http.StatusForbidden, "Extension.RegistrationClosed", "Extensions register during initialization")
		return
	}
	in.extension = id
	s.mu.Unlock()

	answer, _ := json.Marshal(struct { // three strings
		FunctionName    string `json:"functionName"`
		FunctionVersion string `json:"functionVersion"`
		Handler         string `json:"handler"`
	}{in.fleet.fn.Name, latest, in.fleet.fn.Handler})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Lambda-Extension-Identifier", id)
	_, _ = w.Write(answer)
}

// serveExtensionNext blocks until the instance ends: there are no events for
// an extension that registered for none.
func (s *Service) serveExtensionNext(w http.ResponseWriter, r *http.Request, in *instance) {
	s.mu.Lock()
	known := in.extension != "" && r.Header.Get("Lambda-Extension-Identifier") == in.extension
	s.mu.Unlock()
	if !known {
		runtimeFail(w, http.StatusForbidden, "Extension.InvalidExtensionIdentifier", "Invalid extension identifier")
		return
	}
	select {
	case <-r.Context().Done():
	case <-in.gone:
	}
}
