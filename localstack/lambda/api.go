package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// APIHandler serves the Lambda API at the paths of AWS. It does not check
// signatures. It invokes functions (Invoke, InvokeAsync,
// InvokeWithResponseStream), describes them (ListFunctions, GetFunction,
// GetFunctionConfiguration, ListVersionsByFunction, ListAliases, GetAlias,
// GetAccountSettings) and changes their reserved concurrency
// (GetFunctionConcurrency, PutFunctionConcurrency, DeleteFunctionConcurrency).
// The answer to any other operation names it. A response stream has one part,
// because no function here streams its response.
func (s *Service) APIHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{function}/invocations", s.serveInvoke)
	mux.HandleFunc("GET /2015-03-31/functions/{$}", s.serveList)
	mux.HandleFunc("GET /2015-03-31/functions", s.serveList)
	mux.HandleFunc("GET /2015-03-31/functions/{function}", s.serveGet)
	mux.HandleFunc("GET /2015-03-31/functions/{function}/configuration", s.serveConfiguration)
	mux.HandleFunc("GET /2015-03-31/functions/{function}/versions", s.serveVersions)
	mux.HandleFunc("GET /2015-03-31/functions/{function}/aliases", s.serveAliases)
	mux.HandleFunc("GET /2015-03-31/functions/{function}/aliases/{alias}", s.serveAlias)
	mux.HandleFunc("POST /2014-11-13/functions/{function}/invoke-async", s.serveInvokeAsync)
	mux.HandleFunc("POST /2014-11-13/functions/{function}/invoke-async/{$}", s.serveInvokeAsync)
	mux.HandleFunc("POST /2021-11-15/functions/{function}/response-streaming-invocations", s.serveStream)
	mux.HandleFunc("GET /2019-09-30/functions/{function}/concurrency", s.serveConcurrency)
	mux.HandleFunc("PUT /2017-10-31/functions/{function}/concurrency", s.servePutConcurrency)
	mux.HandleFunc("DELETE /2017-10-31/functions/{function}/concurrency", s.serveDeleteConcurrency)
	mux.HandleFunc("GET /2016-08-19/account-settings", s.serveAccount)
	mux.HandleFunc("GET /2016-08-19/account-settings/{$}", s.serveAccount)
	mux.HandleFunc("/", s.serveAbsent)
	return mux
}

func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request) {
	req, err := readInvoke(r)
	if err != nil {
		writeError(w, err)
		return
	}
	h := w.Header()
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		result, err := s.Do(r.Context(), req)
		if err != nil {
			writeError(w, err)
			return
		}
		h.Set("X-Amzn-RequestId", result.RequestID)
		h.Set("X-Amzn-Trace-Id", result.TraceID)
		h.Set("X-Amz-Executed-Version", result.Version)
		if result.FunctionError != "" {
			h.Set("X-Amz-Function-Error", result.FunctionError)
		}
		if req.Tail {
			h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(result.LogTail)))
		}
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(result.Payload)))
		_, _ = w.Write(result.Payload)
	case "Event":
		id, err := s.enqueue(req)
		if err != nil {
			writeError(w, err)
			return
		}
		h.Set("X-Amzn-RequestId", id)
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		if _, err := s.find(req.Function, req.Qualifier); err != nil {
			writeError(w, err)
			return
		}
		h.Set("X-Amzn-RequestId", awsname.NewRequestID())
		w.WriteHeader(http.StatusNoContent)
	default:
		writeError(w, invalidParameter("invocation type "+strconv.Quote(kind)+
			" is not RequestResponse, Event or DryRun"))
	}
}

// maxClientContext bounds the client context in bytes of base64 (API reference,
// Invoke).
const maxClientContext = 3583

// readInvoke reads an Invoke request, except for its invocation type.
func readInvoke(r *http.Request) (Request, error) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxSyncPayload+1))
	if err != nil {
		return Request{}, invalidContent(err)
	}
	req := Request{
		Function:  r.PathValue("function"),
		Qualifier: r.URL.Query().Get("Qualifier"),
		Payload:   payload,
		TraceID:   r.Header.Get("X-Amzn-Trace-Id"),
	}
	switch kind := r.Header.Get("X-Amz-Log-Type"); kind {
	case "", "None":
	case "Tail":
		req.Tail = true
	default:
		return Request{}, invalidParameter("log type " + strconv.Quote(kind) + " is not None or Tail")
	}
	if encoded := r.Header.Get("X-Amz-Client-Context"); encoded != "" {
		if len(encoded) > maxClientContext {
			return Request{}, invalidContent(fmt.Errorf("client context is longer than %d bytes", maxClientContext))
		}
		text, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || !json.Valid(text) {
			return Request{}, invalidContent(errors.New("client context is not JSON in base64"))
		}
		req.ClientContext = string(text)
	}
	return req, nil
}

func (s *Service) serveList(w http.ResponseWriter, _ *http.Request) {
	list := []configuration{}
	for _, fn := range s.Functions() {
		list = append(list, deployed{fn, target{name: fn.Name}, latest}.describe())
	}
	writeJSON(w, http.StatusOK, map[string]any{"Functions": list})
}

func (s *Service) serveGet(w http.ResponseWriter, r *http.Request) {
	fn, err := s.find(r.PathValue("function"), r.URL.Query().Get("Qualifier"))
	if err != nil {
		writeError(w, err)
		return
	}
	answer := map[string]any{"Configuration": fn.describe()}
	if n := fn.ReservedConcurrency; n != nil {
		answer["Concurrency"] = map[string]int{"ReservedConcurrentExecutions": *n}
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Service) serveConfiguration(w http.ResponseWriter, r *http.Request) {
	fn, err := s.find(r.PathValue("function"), r.URL.Query().Get("Qualifier"))
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, fn.describe())
}

// deployed is a function with the qualifier of a request and the version that
// it means.
type deployed struct {
	Function
	target
	version string
}

// find returns a deployed function by any form of its name.
func (s *Service) find(ref, qualifier string) (deployed, error) {
	to, err := s.resolve(ref, qualifier)
	if err != nil {
		return deployed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, version, err := s.lookUp(to)
	if err != nil {
		return deployed{}, err
	}
	return deployed{f.function(), to, version}, nil
}

// writeError answers as Lambda's API does: the exception's name is in a header,
// the rest in the body.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok:
	case errors.Is(err, ErrClosed):
		e = &Error{
			Code:    "ServiceException",
			Status:  http.StatusServiceUnavailable,
			Message: "The local stack is shutting down.",
		}
	default:
		// The caller went away while the function ran, so it does not read
		// this.
		e = &Error{
			Code:    "ServiceException",
			Status:  http.StatusInternalServerError,
			Message: "The request was abandoned.",
		}
	}
	body := map[string]string{"Type": "User", "Message": e.Message}
	if e.Status >= http.StatusInternalServerError {
		body["Type"] = "Service"
	}
	if e.Code == CodeThrottled {
		// This exception alone has the member in lower case (API reference).
		body = map[string]string{"Type": "User", "message": e.Message, "Reason": e.Reason}
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	writeJSON(w, e.Status, body)
}

// writeJSON answers with a JSON body and a request id.
func writeJSON(w http.ResponseWriter, status int, v any) {
	if w.Header().Get("X-Amzn-RequestId") == "" {
		w.Header().Set("X-Amzn-RequestId", awsname.NewRequestID())
	}
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
