package expr

import (
	"maps"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Update is a parsed UpdateExpression.
type Update struct {
	actions []action
	touched *Projection // the paths of the actions, in the same order
	reads   []Path      // all paths of the expression, those of touched included
	legacy  bool        // made of AttributeUpdates
}

// action changes the value at the end of one path.
type action interface {
	// apply returns the new value, or the zero Value to remove it. v is the old
	// value, zero if there is none; item is the item before the update.
	apply(v attr.Value, item attr.Item) (attr.Value, error)
	// creates reports whether the action has an effect on a missing item.
	creates() bool
}

var (
	errOperand = attr.Invalidf("An operand in the update expression has an incorrect data type")
	errMissing = attr.Invalidf("The provided expression refers to an attribute that does not exist in the item")
	errPath    = attr.Invalidf("The document path provided in the update expression is invalid for update")
)

// Apply returns the updated item and does not change old. If there is no item,
// old holds the key attributes only. All operands are read from old, so the
// order of the actions does not matter. Apply does not check the size of the
// item.
func (u *Update) Apply(old attr.Item) (attr.Item, error) {
	updated := maps.Clone(old)
	if updated == nil {
		updated = attr.Item{}
	}
	for _, n := range u.touched.tree {
		v, err := u.rewrite(n, old[n.step.Name], old)
		if err != nil {
			return nil, err
		}
		if v.IsZero() {
			delete(updated, n.step.Name)
		} else {
			updated[n.step.Name] = v
		}
	}
	return updated, nil
}

// Attributes returns the top-level attributes that the update writes, in the
// order of the expression. The engine uses them to refuse a change of the key.
func (u *Update) Attributes() []string {
	names := make([]string, len(u.touched.tree))
	for i, n := range u.touched.tree {
		names[i] = n.step.Name
	}
	return names
}

// AllPaths returns all document paths of the expression: those that the update
// writes and those that it reads. It is empty for AttributeUpdates, whose names
// are never paths.
func (u *Update) AllPaths() []Path { return u.reads }

// IsLegacy reports whether the update is AttributeUpdates. Some of DynamoDB's
// messages differ for it.
func (u *Update) IsLegacy() bool { return u.legacy }

// Creates reports whether the update creates a missing item. An update that
// only removes, by REMOVE or DELETE actions, does not (API reference,
// AttributeUpdates: with DELETE, "nothing happens").
func (u *Update) Creates() bool {
	return len(u.actions) == 0 || slices.ContainsFunc(u.actions, action.creates)
}

// Paths returns the document paths that the update writes, in the order of the
// expression.
func (u *Update) Paths() []Path { return u.touched.Paths() }

// UpdatedOld returns the attributes for ReturnValues UPDATED_OLD: the old
// values at the paths of the update. old is the item before the update. If the
// result is empty, DynamoDB leaves Attributes out of the response.
func (u *Update) UpdatedOld(old attr.Item) attr.Item { return u.touched.Apply(old) }

// UpdatedNew returns the attributes for ReturnValues UPDATED_NEW: the new
// values at the paths of the update. updated is the item after the update. As
// in DynamoDB, the result does not contain an element that was set beyond the
// end of a list, and contains the next element in place of a removed one.
func (u *Update) UpdatedNew(updated attr.Item) attr.Item { return u.touched.Apply(updated) }

// rewrite applies the actions below n to v, which is the zero Value if there is
// none.
func (u *Update) rewrite(n *node, v attr.Value, item attr.Item) (attr.Value, error) {
	switch {
	case n.isLeaf():
		return u.actions[n.leaf].apply(v, item)
	case n.isList():
		return u.rewriteList(n.children, v, item)
	}
	if v.Kind() != attr.M {
		return attr.Value{}, errPath
	}
	fields := maps.Collect(v.Fields())
	for _, c := range n.children {
		f, err := u.rewrite(c, fields[c.step.Name], item)
		if err != nil {
			return attr.Value{}, err
		}
		if f.IsZero() {
			delete(fields, c.step.Name)
		} else {
			fields[c.step.Name] = f
		}
	}
	return attr.Map(fields), nil
}

// rewriteList applies the actions to the elements of v. Indexes refer to the
// old list. Elements that are set beyond its end are appended in the order of
// their indexes.
func (u *Update) rewriteList(children []*node, v attr.Value, item attr.Item) (attr.Value, error) {
	if v.Kind() != attr.L {
		return attr.Value{}, errPath
	}
	elems := make([]attr.Value, 0, v.Len()+len(children))
	add := func(e attr.Value) {
		if !e.IsZero() {
			elems = append(elems, e)
		}
	}
	i := 0
	for e := range v.Elements() {
		if len(children) > 0 && children[0].step.Index == i {
			var err error
			if e, err = u.rewrite(children[0], e, item); err != nil {
				return attr.Value{}, err
			}
			children = children[1:]
		}
		add(e)
		i++
	}
	for _, c := range children {
		e, err := u.rewrite(c, attr.Value{}, item)
		if err != nil {
			return attr.Value{}, err
		}
		add(e)
	}
	return attr.List(elems...), nil
}

type (
	setAction struct {
		value source
		outer int // the number of levels around the value
	}
	removeAction struct{}
	addAction    struct{ value attr.Value }
	deleteAction struct{ value attr.Value }
)

func (setAction) creates() bool    { return true }
func (removeAction) creates() bool { return false }
func (addAction) creates() bool    { return true }
func (deleteAction) creates() bool { return false }

func (a setAction) apply(_ attr.Value, item attr.Item) (attr.Value, error) {
	v, err := a.value.read(item)
	if err != nil {
		return attr.Value{}, err
	}
	return v, attr.CheckDepth(v, a.outer)
}

func (removeAction) apply(attr.Value, attr.Item) (attr.Value, error) { return attr.Value{}, nil }

func (a addAction) apply(v attr.Value, _ attr.Item) (attr.Value, error) {
	switch {
	case v.IsZero():
		return a.value, nil
	case v.Kind() == attr.N && a.value.Kind() == attr.N:
		return sum(v, a.value, false)
	}
	union, ok := attr.Union(v, a.value)
	if !ok {
		return attr.Value{}, errOperand
	}
	return union, nil
}

func (a deleteAction) apply(v attr.Value, _ attr.Item) (attr.Value, error) {
	if v.IsZero() {
		return v, nil
	}
	rest, ok := attr.Difference(v, a.value)
	if !ok {
		return attr.Value{}, errOperand
	}
	return rest, nil
}

// source is the right side of an assignment in SET.
type source interface {
	read(old attr.Item) (attr.Value, error)
	// kind returns the type of the value, or zero if it depends on the item.
	kind() attr.Kind
}

type (
	sumSource struct {
		minus       bool
		left, right source
	}
	ifNotExistsSource struct {
		path      Path
		otherwise source
	}
	listAppendSource struct{ left, right source }
)

func (sumSource) kind() attr.Kind         { return attr.N }
func (ifNotExistsSource) kind() attr.Kind { return 0 }
func (listAppendSource) kind() attr.Kind  { return attr.L }

func (o pathOperand) read(old attr.Item) (attr.Value, error) {
	v, ok := o.path.Lookup(old)
	if !ok {
		return attr.Value{}, errMissing
	}
	return v, nil
}

func (o valueOperand) read(attr.Item) (attr.Value, error) { return o.value, nil }

func (s sumSource) read(old attr.Item) (attr.Value, error) {
	left, right, err := readBoth(s.left, s.right, old)
	if err != nil {
		return attr.Value{}, err
	}
	return sum(left, right, s.minus)
}

func (s ifNotExistsSource) read(old attr.Item) (attr.Value, error) {
	if v, ok := s.path.Lookup(old); ok {
		return v, nil
	}
	return s.otherwise.read(old)
}

func (s listAppendSource) read(old attr.Item) (attr.Value, error) {
	left, right, err := readBoth(s.left, s.right, old)
	if err != nil {
		return attr.Value{}, err
	}
	if left.Kind() != attr.L || right.Kind() != attr.L {
		return attr.Value{}, errOperand
	}
	return appended(left, right), nil
}

// appended returns a list with the elements of left, then those of right.
func appended(left, right attr.Value) attr.Value {
	elems := make([]attr.Value, 0, left.Len()+right.Len())
	for e := range left.Elements() {
		elems = append(elems, e)
	}
	for e := range right.Elements() {
		elems = append(elems, e)
	}
	return attr.List(elems...)
}

func readBoth(left, right source, old attr.Item) (l, r attr.Value, err error) {
	if l, err = left.read(old); err != nil {
		return l, r, err
	}
	r, err = right.read(old)
	return l, r, err
}

// sum returns left + right, or left - right if minus is true.
func sum(left, right attr.Value, minus bool) (attr.Value, error) {
	if left.Kind() != attr.N || right.Kind() != attr.N {
		return attr.Value{}, errOperand
	}
	n := right.Number()
	if minus {
		n = n.Neg()
	}
	n, err := left.Number().Add(n)
	return attr.Num(n), err
}
