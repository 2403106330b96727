package edge

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// refuse answers with an AWS error. The header and "__type" are what SDKs read
// the exception from; both spellings of the message are in use.
func refuse(w http.ResponseWriter, r *http.Request, status int, name, message string) {
	w.Header().Set("X-Amzn-Errortype", name)
	contentType := "application/json"
	if asked := r.Header.Get("Content-Type"); strings.HasPrefix(asked, "application/x-amz-json-") {
		contentType = asked
	}
	writeJSON(w, status, contentType, map[string]string{"__type": name, "message": message})
}

// refuseOther answers a request that is signed for a service that is never
// here: in XML for the protocols that speak it, so that the client shows the
// message instead of a parser's error.
func refuseOther(w http.ResponseWriter, r *http.Request, signingName string) {
	const code = "UnknownOperationException"
	message := fmt.Sprintf("The service %q is not part of this stack. %s", signingName, present)
	type detail struct {
		Code    string
		Message string
	}
	id := w.Header().Get("X-Amzn-Requestid")
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
		refuse(w, r, http.StatusBadRequest, code, message)
		return
	}
	body, err := xml.Marshal(answer)
	if err != nil {
		panic(err) // the values are strings
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // fails only for a client that has gone
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values are strings, numbers and lists of them
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // fails only for a client that has gone
}
