package lambda

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
)

// serveVersions answers ListVersionsByFunction.
func (s *Service) serveVersions(w http.ResponseWriter, r *http.Request) {
	fn, err := s.find(r.PathValue("function"), "")
	if err != nil {
		writeError(w, err)
		return
	}
	list := []configuration{}
	for _, version := range append([]string{latest}, fn.Versions...) {
		list = append(list, deployed{fn.Function, target{fn.name, version}, version}.describe())
	}
	writeJSON(w, http.StatusOK, map[string]any{"Versions": list})
}

// aliasConfiguration is AliasConfiguration (API reference).
type aliasConfiguration struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
}

func (fn *deployed) alias(name string) aliasConfiguration {
	return aliasConfiguration{
		AliasArn:        target{fn.name, name}.qualify(fn.ARN),
		Name:            name,
		FunctionVersion: fn.Aliases[name],
	}
}

// serveAliases answers ListAliases.
func (s *Service) serveAliases(w http.ResponseWriter, r *http.Request) {
	fn, err := s.find(r.PathValue("function"), "")
	if err != nil {
		writeError(w, err)
		return
	}
	list := []aliasConfiguration{}
	of := r.URL.Query().Get("FunctionVersion")
	for _, name := range slices.Sorted(maps.Keys(fn.Aliases)) {
		if of == "" || of == fn.Aliases[name] {
			list = append(list, fn.alias(name))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"Aliases": list})
}

// serveAlias answers GetAlias.
func (s *Service) serveAlias(w http.ResponseWriter, r *http.Request) {
	fn, err := s.find(r.PathValue("function"), "")
	if err != nil {
		writeError(w, err)
		return
	}
	name := r.PathValue("alias")
	if _, ok := fn.Aliases[name]; !ok {
		writeError(w, &Error{
			Code:    CodeNotFound,
			Status:  http.StatusNotFound,
			Message: "Cannot find alias arn: " + target{fn.name, name}.qualify(fn.ARN),
		})
		return
	}
	writeJSON(w, http.StatusOK, fn.alias(name))
}

// serveAccount answers GetAccountSettings.
func (s *Service) serveAccount(w http.ResponseWriter, _ *http.Request) {
	var answer struct {
		AccountLimit struct {
			CodeSizeUnzipped, CodeSizeZipped, TotalCodeSize      int64
			ConcurrentExecutions, UnreservedConcurrentExecutions int
		}
		AccountUsage struct{ FunctionCount, TotalCodeSize int64 }
	}
	limit := &answer.AccountLimit
	// The sizes are those of the Lambda quotas.
	limit.CodeSizeUnzipped, limit.CodeSizeZipped, limit.TotalCodeSize = 250<<20, 50<<20, 75<<30
	functions := s.Functions()
	for _, fn := range functions {
		answer.AccountUsage.TotalCodeSize += deployed{Function: fn}.describe().CodeSize
	}
	answer.AccountUsage.FunctionCount = int64(len(functions))
	s.mu.Lock()
	limit.ConcurrentExecutions = s.opt.Concurrency
	limit.UnreservedConcurrentExecutions = s.unreservedLimit()
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, answer)
}

// minUnreserved is the part of the account's concurrency that cannot be
// reserved (LDG "Configuring reserved concurrency for a function").
const minUnreserved = 100

// serveConcurrency answers GetFunctionConcurrency.
func (s *Service) serveConcurrency(w http.ResponseWriter, r *http.Request) {
	fn, err := s.find(r.PathValue("function"), "")
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, concurrency{fn.ReservedConcurrency})
}

type concurrency struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

// servePutConcurrency answers PutFunctionConcurrency.
func (s *Service) servePutConcurrency(w http.ResponseWriter, r *http.Request) {
	var in concurrency
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAsyncPayload))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	switch {
	case err != nil:
		writeError(w, invalidContent(err))
		return
	case in.ReservedConcurrentExecutions == nil || *in.ReservedConcurrentExecutions < 0:
		writeError(w, invalidParameter("ReservedConcurrentExecutions is not a number of at least 0"))
		return
	}
	if err := s.setReserved(r.PathValue("function"), in.ReservedConcurrentExecutions); err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, in)
}

// serveDeleteConcurrency answers DeleteFunctionConcurrency.
func (s *Service) serveDeleteConcurrency(w http.ResponseWriter, r *http.Request) {
	if err := s.setReserved(r.PathValue("function"), nil); err != nil {
		writeError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// setReserved changes a function's reserved concurrency until it is deployed
// with another configuration.
func (s *Service) setReserved(ref string, n *int) error {
	to, err := s.resolve(ref, "")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, _, err := s.lookUp(to)
	if err != nil {
		return err
	}
	before := f.reserved
	f.reserved = n
	grows := n != nil && (before == nil || *n > *before)
	if grows && *n > 0 && s.unreservedLimit() < minUnreserved {
		f.reserved = before
		return invalidParameter("Specified ReservedConcurrentExecutions for function decreases account's " +
			"UnreservedConcurrentExecution below its minimum value of [100].")
	}
	return nil
}
