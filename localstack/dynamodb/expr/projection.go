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

// ProjectionOf returns the projection of top-level attributes, in order.
func ProjectionOf(names ...string) *Projection {
	paths := make([]Path, len(names))
	for i, name := range names {
		paths[i] = Path{{Name: name}}
	}
	return newProjection(paths)
}

// ParseProjection reads a ProjectionExpression.
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

// Paths returns the projected document paths, in the expression's order.
func (p *Projection) Paths() []Path { return p.paths }

// Apply returns what the projection leaves of the item: parts of documents stay
// inside documents of the same shape, elements of lists move together. What the
// item lacks is left out; if it lacks everything, the result is empty.
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

// project returns what the tree below n leaves of v. It is false if that is
// nothing.
func (n *node) project(v attr.Value) (attr.Value, bool) {
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
