package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Path is a document path, for example a.b[2].c. It has at least one step, and
// the first is the name of a top-level attribute.
type Path []Step

// Step is one step of a [Path]: the name of an attribute or map field, or an
// index of a list.
type Step struct {
	Name    string // set if IsIndex is false
	Index   int    // from 0; set if IsIndex is true
	IsIndex bool
}

// Attribute returns the name of the top-level attribute.
func (p Path) Attribute() string { return p[0].Name }

// Equal reports whether both paths have the same steps.
func (p Path) Equal(q Path) bool {
	return len(p) == len(q) && p.common(q) == len(p)
}

// String returns the path as DynamoDB writes it in messages: [a, b, [2], c].
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.Name
		if s.IsIndex {
			parts[i] = "[" + strconv.Itoa(s.Index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// common returns the length of the common prefix of both paths, in steps.
func (p Path) common(q Path) int {
	n := 0
	for n < len(p) && n < len(q) && p[n] == q[n] {
		n++
	}
	return n
}

// Lookup returns the value at the path in the item. ok is false if there is
// none.
func (p Path) Lookup(item attr.Item) (v attr.Value, ok bool) {
	v, ok = item[p[0].Name]
	for _, s := range p[1:] {
		if !ok {
			break
		}
		v, ok = s.in(v)
	}
	return v, ok
}

// in returns the element or field of v that the step selects.
func (s Step) in(v attr.Value) (attr.Value, bool) {
	if s.IsIndex {
		return v.Index(s.Index)
	}
	return v.Field(s.Name)
}

// checkOverlap returns an error if one path is a prefix of another, or else if
// two paths need a map and a list at the same place.
func checkOverlap(paths []Path) error {
	const rest = "; must remove or rewrite one of these paths; path one: %s, path two: %s"
	var conflict error
	for i, two := range paths {
		for _, one := range paths[:i] {
			n := one.common(two)
			switch {
			case n == len(one) || n == len(two):
				return attr.Invalidf("Two document paths overlap with each other"+rest, one, two)
			case n > 0 && one[n].IsIndex != two[n].IsIndex && conflict == nil:
				conflict = attr.Invalidf("Two document paths conflict with each other"+rest, one, two)
			}
		}
	}
	return conflict
}

// node is a step in a tree of paths that do not overlap. Each leaf is the end
// of one path.
type node struct {
	step     Step
	leaf     int // without children: the position of the path in the list of paths
	children []*node
}

// newTree returns the tree of paths that neither overlap nor conflict. Names
// are in the order of the paths, which is the order of evaluation; indexes of a
// list are in ascending order.
func newTree(paths []Path) []*node {
	root := &node{}
	for i, p := range paths {
		at := root
		for _, s := range p {
			at = at.child(s)
		}
		at.leaf = i
	}
	return root.children
}

func (n *node) child(s Step) *node {
	at := len(n.children)
	for i, c := range n.children {
		if c.step == s {
			return c
		}
		if s.IsIndex && s.Index < c.step.Index {
			at = min(at, i)
		}
	}
	c := &node{step: s}
	n.children = slices.Insert(n.children, at, c)
	return c
}

func (n *node) isLeaf() bool { return len(n.children) == 0 }

// isList reports whether the children of n are indexes of a list.
func (n *node) isList() bool { return n.children[0].step.IsIndex }
