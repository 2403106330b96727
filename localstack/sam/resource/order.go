package resource

import (
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// edge is a dependency on another resource and the value that causes it.
type edge struct {
	to *template.Resource
	at *template.Value
}

// CheckDependsOn reports names in DependsOn that do not exist.
func (s *Set) CheckDependsOn() {
	for _, res := range s.Order {
		for _, d := range res.DependsOn {
			if s.Eval.Resource(d.Text) == nil {
				s.Eval.NoSuch(d, d.Text, "", eval.Full)
			}
		}
	}
}

// edges returns the dependencies of a resource, each once. A resource that is
// not created has none.
func (s *Set) edges(res *template.Resource) []edge {
	if res.Disabled {
		return nil
	}
	s = s.owner(res)
	var out []edge
	add := func(at *template.Value, name, _ string) {
		to := s.Eval.Resource(name)
		if to == nil {
			base, _, _ := strings.Cut(name, ".")
			to = s.Find(base)
		}
		if to != nil && !slices.ContainsFunc(out, func(e edge) bool { return e.to == to }) {
			out = append(out, edge{to: to, at: at})
		}
	}
	if res.Ignored {
		// A cycle through properties that are not resolved is no mistake here.
		t := s.ignored(res.Type)
		template.References(res.Properties.Get(t.Name), add)
		template.References(res.Properties.Get(t.Uses), add)
		for attr := range s.requested[res.ID] {
			template.References(res.Properties.Get(attr), add)
		}
		return out
	}
	for _, d := range res.DependsOn {
		add(d, d.Text, "")
	}
	template.References(res.Properties, add)
	return out
}

// Before returns all resources that res depends on, and res.
func (s *Set) Before(res *template.Resource) map[*template.Resource]bool {
	before := map[*template.Resource]bool{}
	var visit func(res *template.Resource)
	visit = func(res *template.Resource) {
		if before[res] {
			return
		}
		before[res] = true
		for _, e := range s.edges(res) {
			visit(e.to)
		}
	}
	visit(res)
	return before
}

// Sorted returns all resources, each after those it depends on. Cycles are
// reported; then ok is false.
func (s *Set) Sorted() (sorted []*template.Resource, ok bool) {
	w := walk{s: s, state: map[*template.Resource]visitState{}, ok: true}
	for _, res := range s.Order {
		w.visit(edge{to: res, at: res.At})
	}
	return w.sorted, w.ok
}

type visitState uint8

const (
	unvisited visitState = iota
	open                 // on the path
	closed
)

// walk is a depth-first search along the dependencies.
type walk struct {
	s      *Set
	state  map[*template.Resource]visitState
	path   []edge // path[i].to is open; path[i].at leads to it
	sorted []*template.Resource
	ok     bool
}

func (w *walk) visit(e edge) {
	switch w.state[e.to] {
	case closed:
		return
	case open:
		w.s.failCycle(append(w.path, e))
		w.ok = false
		return
	}
	w.state[e.to] = open
	w.path = append(w.path, e)
	for _, next := range w.s.edges(e.to) {
		w.visit(next)
	}
	w.path = w.path[:len(w.path)-1]
	w.state[e.to] = closed
	w.sorted = append(w.sorted, e.to)
}

// failCycle reports the cycle that the last edge of path closes.
func (s *Set) failCycle(path []edge) {
	last := path[len(path)-1]
	start := slices.IndexFunc(path, func(e edge) bool { return e.to == last.to })
	var names []string
	at := path[start+1].at
	for i, e := range path[start:] {
		names = append(names, e.to.ID)
		// A reference that SAM generates has no position in the template, so a
		// written one is shown.
		if i > 0 && !strings.Contains(at.Subject(), ".") {
			at = e.at
		}
	}
	s.Fail(at, "circular dependency "+strings.Join(names, " → "), "remove one of these references")
}
