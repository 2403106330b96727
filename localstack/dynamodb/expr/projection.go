package expr

import "github.com/sotto-chat/sotto/localstack/dynamodb/attr"

// Projection is a parsed ProjectionExpression.
type Projection struct {
	paths []Path
	tree  []*node
}

func newProjection(paths []Path) *Projection {
	return &Projection{paths: paths, tree: newTree(paths)}
}

// ProjectionOf returns the projection of the given top-level attributes.
func ProjectionOf(names ...string) *Projection {
	paths := make([]Path, len(names))
	for i, name := range names {
		paths[i] = Path{{Name: name}}
	}
	return newProjection(paths)
}

// ParseProjection parses a ProjectionExpression.
func (c *Context) ParseProjection(src string) (*Projection, error) {
	p, err := c.newParser("ProjectionExpression", src)
	if err != nil {
		return nil, err
	}
	paths := []Path{p.path()}
	for p.accept(",") {
		paths = append(paths, p.path())
	}
	p.expectEnd()
	p.refuse(phasePaths, checkOverlap(paths))
	if err := p.finish(); err != nil {
		return nil, err
	}
	return newProjection(paths), nil
}

// Paths returns the projected document paths in the order of the expression.
func (p *Projection) Paths() []Path { return p.paths }

// Apply returns the projected part of the item. Parts of maps and lists keep
// their place in the document; the remaining elements of a list move together.
// Paths that the item does not have are left out, so the result may be empty.
func (p *Projection) Apply(item attr.Item) attr.Item {
	out := attr.Item{}
	for _, n := range p.tree {
		if v, ok := item[n.step.Name]; ok {
			if v, ok = n.project(v); ok {
				out[n.step.Name] = v
			}
		}
	}
	return out
}

// project returns the part of v that the tree below n selects. ok is false if
// there is none.
func (n *node) project(v attr.Value) (projected attr.Value, ok bool) {
	if n.isLeaf() {
		return v, true
	}
	var elems []attr.Value
	fields := map[string]attr.Value{}
	for _, c := range n.children {
		part, ok := c.step.in(v)
		if !ok {
			continue
		}
		if part, ok = c.project(part); !ok {
			continue
		}
		if c.step.IsIndex {
			elems = append(elems, part)
		} else {
			fields[c.step.Name] = part
		}
	}
	switch {
	case len(elems) > 0:
		return attr.List(elems...), true
	case len(fields) > 0:
		return attr.Map(fields), true
	}
	return attr.Value{}, false
}
