package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// maxBody bounds the body of a request in bytes. A fault takes about a hundred.
const maxBody = 1 << 20

// Handler serves the faults at path and below it:
//
//	GET         returns the State
//	POST        sets the fault, or carries out the action, in the body
//	PUT         replaces all faults: {"seed": 7, "faults": [{"kind": …}, …]}
//	DELETE      clears all faults
//	DELETE /ID  clears one fault
//
// An invalid request is answered 400 with a "message". Handler does no access
// control; the server in front does.
func (in *Injector) Handler(path string, targets Targets) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, in.State())
	})
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { in.servePost(w, r, targets) })
	mux.HandleFunc("PUT "+path, in.servePut)
	mux.HandleFunc("DELETE "+path, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, in.ClearAll())
	})
	mux.HandleFunc("DELETE "+path+"/{id}", in.serveDelete)
	return mux
}

func (in *Injector) servePost(w http.ResponseWriter, r *http.Request, targets Targets) {
	f, err := readFault(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if f.Kind.isAction() {
		done, err := in.act(f, targets)
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		writeJSON(w, http.StatusOK, done)
		return
	}
	status, err := in.Add(f)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusCreated, status)
}

func (in *Injector) servePut(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Seed   uint64            `json:"seed"`
		Faults []json.RawMessage `json:"faults"`
	}
	if err := decode(http.MaxBytesReader(w, r.Body, maxBody), &want); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	var faults []Fault
	for _, text := range want.Faults {
		f, err := readFault(bytes.NewReader(text))
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		faults = append(faults, f)
	}
	if err := in.Replace(want.Seed, faults); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, in.State())
}

func (in *Injector) serveDelete(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		refuse(w, http.StatusBadRequest, errors.New("the id of a fault must be a number"))
		return
	}
	status, ok := in.Clear(id)
	if !ok {
		refuse(w, http.StatusNotFound, errors.New("no fault with id "+r.PathValue("id")+" is set"))
		return
	}
	writeJSON(w, http.StatusOK, status)
}

func refuse(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"message": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot happen: strings, numbers and lists of them
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // fails only if the client has gone
}
