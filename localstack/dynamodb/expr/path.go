package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Path is a document path: a top-level attribute and the way into it, such as
// a.b[2].c. It has at least one step, and the first is a name.
type Path []Step

// Step is one part of a [Path]: the name of an attribute or map field, or an
// index into a list.
type Step struct {
	Name    string // if it is a name
	Index   int    // if it is an index, counted from 0
	IsIndex bool
}

// Attribute returns the top-level attribute that the path begins at.
func (p Path) Attribute() string { return p[0].Name }

// Equal reports whether both paths have the same steps.
func (p Path) Equal(q Path) bool {
	return len(p) == len(q) && p.common(q) == len(p)
}

// String returns the path as DynamoDB's messages show it: [a, b, [2], c].
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

// common returns the number of steps that both paths begin with.
func (p Path) common(q Path) int {
	n := 0
	for n < len(p) && n < len(q) && p[n] == q[n] {
		n++
	}
	return n
}

// Lookup returns what stands at the path in the item. It is false if nothing
// does.
func (p Path) Lookup(item attr.Item) (attr.Value, bool) { return p.lookup(item) }

// lookup follows the path into the item.
func (p Path) lookup(item attr.Item) (attr.Value, bool) {
	v, ok := item[p[0].Name]
	for _, s := range p[1:] {
		if !ok {
			break
		}
		v, ok = s.in(v)
	}
	return v, ok
}

// in returns the element of v that the step names.
func (s Step) in(v attr.Value) (attr.Value, bool) {
	if s.IsIndex {
		return v.Index(s.Index)
	}
	return v.Field(s.Name)
}

// checkOverlap refuses paths of which one contains the other, and then those
// that want a map and a list in the same place.
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

// node is a step in the tree that several paths without overlap make. Its
// leaves are the ends of the paths.
type node struct {
	step     Step
	leaf     int // position in the paths that the tree was made of, if no children
	children []*node
}

// newTree merges paths without overlap or conflict. Children stand in the order
// of the paths, so that what is done along them is too, and of their indexes in
// a list.
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

// intoList reports whether the node's children are indexes.
func (n *node) intoList() bool { return n.children[0].step.IsIndex }
