package sam

import (
	"slices"
	"strings"
)

// edge is a dependency on another resource and the value that causes it.
type edge struct {
	to *resource
	at *value
}

// references calls f with every name that Ref, GetAtt and Sub in v refer to.
func references(v *value, f func(at *value, name, attr string)) {
	if v.kind == call && len(v.items) == 1 {
		arg := v.items[0]
		switch v.text {
		case "Ref":
			f(v, arg.scalar(), "")
		case "Fn::GetAtt":
			name, attr, _ := strings.Cut(arg.scalar(), ".")
			if arg.kind == list && len(arg.items) == 2 {
				name, attr = arg.items[0].scalar(), arg.items[1].scalar()
			}
			if attr == "" {
				attr = "?" // an attribute whose name is a reference
			}
			f(v, name, attr)
		case "Fn::Sub":
			template, vars := arg, (*value)(nil)
			if arg.kind == list && len(arg.items) == 2 {
				template, vars = arg.items[0], arg.items[1]
			}
			eachVariable(template.scalar(), func(_, name string) {
				if name != "" && !vars.has(name) {
					f(v, name, "")
				}
			})
		}
	}
	for _, item := range v.items {
		references(item, f)
	}
	for _, field := range v.fields {
		references(field.value, f)
	}
}

// checkNames reports references to what does not exist, also where a
// condition leaves the reference out: CloudFormation refuses those too.
func (l *loader) checkNames(v *value) {
	if v == nil {
		return
	}
	references(v, func(at *value, name, attr string) {
		if name == "" {
			return // malformed: reported where it is resolved
		}
		base := name
		if attr == "" && l.resource(name) == nil && at.text == "Fn::Sub" {
			base, attr = l.subParts(name)
		}
		_, isParam := l.params[base]
		_, isPseudo := l.pseudo[base]
		plain := isParam || isPseudo || base == "AWS::NoValue" || base == "AWS::NotificationARNs"
		if l.resource(base) == nil && (attr != "" || !plain) {
			l.noSuch(at, base, attr, full)
		}
	})
	if v == l.root.get("Resources") {
		for _, res := range l.order {
			for _, d := range res.dependsOn {
				if l.resource(d.text) == nil {
					l.noSuch(d, d.text, "", full)
				}
			}
		}
	}
}

// edges lists what a resource depends on, each once. A resource that is not
// created depends on nothing.
func (l *loader) edges(res *resource) []edge {
	if res.off {
		return nil
	}
	var out []edge
	add := func(at *value, name string) {
		to := l.resource(name)
		if to == nil {
			base, _, _ := strings.Cut(name, ".")
			to = l.resources[base]
		}
		if to != nil && !slices.ContainsFunc(out, func(e edge) bool { return e.to == to }) {
			out = append(out, edge{to: to, at: at})
		}
	}
	if res.noted {
		// Only the name is resolved, so that a cycle elsewhere does no harm.
		for _, property := range []string{notedNames[res.typ], "FunctionName"} {
			if v := res.props.get(property); v != nil {
				references(v, func(at *value, name, _ string) { add(at, name) })
			}
		}
		return out
	}
	for _, d := range res.dependsOn {
		add(d, d.text)
	}
	if res.props != nil {
		references(res.props, func(at *value, name, _ string) { add(at, name) })
	}
	return out
}

// sortResources puts every resource after those it depends on. Cycles are
// reported, each by name.
func (l *loader) sortResources() (sorted []*resource, ok bool) {
	const (
		fresh = iota
		open
		closed
	)
	state := map[*resource]int{}
	ok = true
	var path []edge // path[i].to is open; path[i].at leads to it
	var visit func(e edge)
	visit = func(e edge) {
		switch state[e.to] {
		case closed:
			return
		case open:
			l.cycle(append(path, e))
			ok = false
			return
		}
		state[e.to] = open
		path = append(path, e)
		for _, next := range l.edges(e.to) {
			visit(next)
		}
		path = path[:len(path)-1]
		state[e.to] = closed
		sorted = append(sorted, e.to)
	}
	for _, res := range l.order {
		visit(edge{to: res, at: res.at})
	}
	return sorted, ok
}

// cycle reports the cycle that the last edge of path closes.
func (l *loader) cycle(path []edge) {
	last := path[len(path)-1]
	start := slices.IndexFunc(path, func(e edge) bool { return e.to == last.to })
	var names []string
	at := path[start+1].at
	for i, e := range path[start:] {
		names = append(names, e.to.id)
		// A reference that SAM generates has no place in the template, so one
		// that the template writes is shown.
		if i > 0 && !strings.Contains(at.subject(), ".") {
			at = e.at
		}
	}
	l.fail(at, "circular dependency "+strings.Join(names, " → "), "remove one of these references")
}
