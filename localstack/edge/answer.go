package edge

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// refuse logs a refusal and answers with an AWS error. Refusals whose messages
// begin alike, up to a quoted text, are of one kind in the log. SDKs read the
// exception's name from the header or from "__type", depending on the protocol.
func (e *Edge) refuse(w http.ResponseWriter, r *http.Request, status int, name, message string) {
	kind, _, _ := strings.Cut(message, `"`)
	e.logRefusal(w, r, name+kind, status, name, message)
	answerJSON(w, r, status, name, message)
}

// answerJSON writes an AWS error in the JSON protocols.
func answerJSON(w http.ResponseWriter, r *http.Request, status int, name, message string) {
	w.Header().Set("X-Amzn-Errortype", name)
	contentType := "application/json"
	if asked := r.Header.Get("Content-Type"); strings.HasPrefix(asked, "application/x-amz-json-") {
		contentType = asked
	}
	writeJSON(w, status, contentType, map[string]string{"__type": name, "message": message})
}

// logRefusal logs a refused request: the first of each kind as a warning, and
// the others if all are logged.
func (e *Edge) logRefusal(w http.ResponseWriter, r *http.Request, kind string, status int, name, message string) {
	level := slog.LevelInfo
	if _, known := e.refused.LoadOrStore(kind, true); !known {
		level = slog.LevelWarn
	} else if !e.logAll {
		return
	}
	e.log.Log(r.Context(), level, "request refused", "request", w.Header().Get("X-Amzn-Requestid"),
		"operation", r.Method+" "+r.URL.EscapedPath(), "code", name, "status", status, "err", message)
}

// refuseService answers a request that is signed for a service that the stack
// never has. Clients of XML protocols get XML, so they show the message and not
// a parser's error.
func (e *Edge) refuseService(w http.ResponseWriter, r *http.Request, signingName string) {
	const code = "UnknownOperationException"
	message := fmt.Sprintf("The service %q is not part of this stack. %s", signingName, servedServices)
	type detail struct {
		Code    string
		Message string
	}
	id := w.Header().Get("X-Amzn-Requestid")
	e.logRefusal(w, r, code+signingName, http.StatusBadRequest, code, message)
	var answer any
	switch {
	case signingName == "s3":
		answer = struct {
			XMLName xml.Name `xml:"Error"`
			detail
			RequestId string
		}{detail: detail{code, message}, RequestId: id}
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		answer = struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Error     detail
			RequestId string
		}{Error: detail{code, message}, RequestId: id}
	default:
		answerJSON(w, r, http.StatusBadRequest, code, message)
		return
	}
	body, err := xml.Marshal(answer)
	if err != nil {
		panic(err) // the values are strings
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // fails only if the client has gone
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values are strings, numbers and lists of them
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // fails only if the client has gone
}
