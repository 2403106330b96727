package iam

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// Use is one permission that the template grants to a function, and how often
// the function has needed it. A statement with two actions on two resources
// grants four permissions, and each value of a condition another one.
type Use struct {
	Function         string
	Action, Resource string
	// Conditions are the values of the statement's conditions, as "key=value".
	// The value is * for an operator that excludes values.
	Conditions []string
	// Policy is the ARN of the key or table whose policy grants the permission,
	// empty for the function's own policies.
	Policy string
	// Requests is the number of permitted requests that the permission covers,
	// since the policies were last changed.
	Requests uint64
}

// Uses returns the permissions of all functions, sorted by function, policy,
// resource, action and condition. What no request has needed has zero requests:
// it can be removed if the run did everything that the functions do. It leaves
// out AWS's managed policies.
func (g *Guard) Uses() []Use {
	known := g.known.Load()
	counts := g.uses.snapshot()
	var list []Use
	add := func(function, policy string, s *statement) {
		for _, granted := range s.permissions(nil) {
			key := useKey{function, s, granted.key()}
			granted.Function, granted.Policy, granted.Requests = function, policy, counts[key]
			list = append(list, granted)
		}
	}
	for function, r := range known.roles {
		for _, s := range r.statements[:r.own] {
			if !s.deny {
				add(function, "", s)
			}
		}
		q := &request{global: global{guard: g, role: r, function: function}}
		for arn, statements := range known.resources {
			for _, s := range statements {
				if as := s.names(q); !s.deny && as != notNamed && as != byAccount {
					add(function, arn, s)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b Use) int {
		return cmp.Or(strings.Compare(a.Function, b.Function), strings.Compare(a.Policy, b.Policy),
			strings.Compare(a.Resource, b.Resource), strings.Compare(a.Action, b.Action),
			slices.Compare(a.Conditions, b.Conditions))
	})
	return list
}

// key identifies the permission within its statement.
func (u *Use) key() string {
	return u.Action + "\x00" + u.Resource + "\x00" + strings.Join(u.Conditions, "\x00")
}

// permissions returns the permissions of a statement, or with q those that
// cover a request to which the statement applies.
func (s *statement) permissions(q *request) []Use {
	list := []Use{{}}
	each := func(texts []string, add func(u *Use, text string), covers func(i int) bool) {
		var next []Use
		for _, u := range list {
			for i, text := range texts {
				if q != nil && !covers(i) {
					continue
				}
				longer := u
				longer.Conditions = slices.Clone(u.Conditions)
				add(&longer, text)
				next = append(next, longer)
			}
		}
		list = next
	}
	each(elements(s.source.Action, s.source.NotAction), func(u *Use, text string) { u.Action = text },
		func(i int) bool { return s.notActions || awsname.Match(s.actions[i], q.action) })
	each(elements(s.source.Resource, s.source.NotResource), func(u *Use, text string) { u.Resource = text },
		func(i int) bool {
			if len(s.resources) == 0 || s.notResources {
				return true
			}
			pattern, ok := s.resources[i].pattern(q)
			return ok && awsname.MatchEscaped(pattern, q.resource)
		})
	for i := range s.conditions {
		c := &s.conditions[i]
		each(c.elements(), func(u *Use, text string) { u.Conditions = append(u.Conditions, c.key+"="+text) },
			func(j int) bool { return c.covers(q, j) })
	}
	return list
}

// elements returns the elements of a statement that are counted apart. What is
// not listed, such as NotAction, is one element.
func elements(listed, excluded []string) []string {
	switch {
	case len(listed) > 0:
		return listed
	case len(excluded) > 0:
		return []string{"all but " + strings.Join(excluded, ", ")}
	}
	return []string{"*"}
}

func (c *condition) elements() []string {
	if c.negated || c.isNull || len(c.texts) == 0 {
		return []string{"*"}
	}
	return c.texts
}

// useKey identifies a permission of a function.
type useKey struct {
	function   string
	statement  *statement
	permission string
}

// uses counts the requests for each permission.
type uses struct {
	mu     sync.Mutex
	counts map[useKey]uint64
}

func (u *uses) reset() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.counts = nil
}

func (u *uses) snapshot() map[useKey]uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.counts)
}

// count adds a permitted request to the permissions that cover it.
func (u *uses) count(function string, r *role, resource []*statement, q *request) {
	var keys []useKey
	add := func(s *statement) {
		for _, u := range s.permissions(q) {
			keys = append(keys, useKey{function, s, u.key()})
		}
	}
	for _, s := range r.statements[:r.own] {
		if !s.deny && s.applies(q) {
			add(s)
		}
	}
	for _, s := range resource {
		if as := s.names(q); !s.deny && as != notNamed && as != byAccount && s.applies(q) {
			add(s)
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.counts == nil {
		u.counts = make(map[useKey]uint64)
	}
	for _, key := range keys {
		u.counts[key]++
	}
}

// covers reports whether the condition's value i matches a value of the
// request. A condition without single values always does.
func (c *condition) covers(q *request, i int) bool {
	if c.negated || c.isNull || len(c.texts) == 0 {
		return true
	}
	values, _ := q.lookup(c.key)
	return slices.ContainsFunc(values, func(v string) bool { return c.values[i](q, v) })
}
