// Package shape describes what a property may hold, as CloudFormation's
// resource schemas do, and checks values against it.
package shape

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Shape is what a property may hold. The zero Shape accepts everything but
// null.
type Shape struct {
	kind     kind
	elem     *Shape            // of lists and maps
	fields   map[string]*Shape // of objects
	required []string          // of objects, sorted
	words    []string          // the allowed strings, if limited
	min, max int               // of integers, if max > 0
	nullable bool
}

type kind uint8

const (
	anyShape kind = iota
	stringShape
	intShape
	floatShape
	boolShape
	listShape
	mapShape
	objectShape
	requiredMark // made by Required, removed by Object
)

// Props lists the properties of an object.
type Props map[string]*Shape

// Shapes without parameters. As in CloudFormation, a string may be written as
// a number or boolean, and these as strings.
var (
	Any    = &Shape{}
	String = &Shape{kind: stringShape}
	Int    = &Shape{kind: intShape}
	Float  = &Shape{kind: floatShape}
	Bool   = &Shape{kind: boolShape}

	StringList = List(String)
	StringMap  = Map(String)
	// Document is JSON, as a value or as text.
	Document = Any
	// TagList is the form of tags in most types.
	TagList = List(Object(Props{"Key": Required(String), "Value": String}))
)

// List returns the shape of a list with items of one shape.
func List(elem *Shape) *Shape { return &Shape{kind: listShape, elem: elem} }

// Map returns the shape of a map with any keys and values of one shape.
func Map(elem *Shape) *Shape { return &Shape{kind: mapShape, elem: elem} }

// Between returns the shape of an integer from low to high, both included.
func Between(low, high int) *Shape { return &Shape{kind: intShape, min: low, max: high} }

// Words returns the shape of a string that is one of allowed.
func Words(allowed ...string) *Shape { return &Shape{kind: stringShape, words: allowed} }

// OrNull returns s with null allowed; SAM drops a property that is null.
func OrNull(s *Shape) *Shape {
	n := *s
	n.nullable = true
	return &n
}

// Required marks a property as required, for [Object].
func Required(s *Shape) *Shape { return &Shape{kind: requiredMark, elem: s} }

// Object returns the shape of a map with these properties and no others.
func Object(p Props) *Shape {
	s := &Shape{kind: objectShape, fields: make(map[string]*Shape, len(p))}
	for name, f := range p {
		if f.kind == requiredMark {
			s.required = append(s.required, name)
			f = f.elem
		}
		s.fields[name] = f
	}
	slices.Sort(s.required)
	return s
}

// And returns a copy of p with further properties.
func (p Props) And(more Props) Props {
	all := maps.Clone(p)
	maps.Copy(all, more)
	return all
}

// Has reports whether s is an object with that property.
func (s *Shape) Has(property string) bool { return s.fields[property] != nil }

// Check reports every mismatch between v and s. An intrinsic function that is
// not resolved yet fits every shape. The owner is named in the message about
// an unknown property.
func Check(r *template.Report, v *template.Value, s *Shape, owner string) {
	switch {
	case v.Kind == template.Unknown || v.Kind == template.Call:
	case v.Kind == template.Null && s.nullable:
	case v.Kind == template.Null:
		r.Fail(v, "is empty", "give it a value or remove it")
	default:
		check{r, v, s}.byKind(owner)
	}
}

// check is the comparison of one value with its shape.
type check struct {
	r *template.Report
	v *template.Value
	s *Shape
}

func (c check) byKind(owner string) {
	switch c.s.kind {
	case stringShape:
		c.checkString()
	case intShape:
		c.checkInt()
	case floatShape:
		if _, ok := c.v.Float(); !ok {
			c.r.Fail(c.v, "is not a number", "write a number")
		}
	case boolShape:
		if _, ok := c.v.Bool(); !ok {
			c.r.Fail(c.v, "is not a boolean", "use true or false")
		}
	case listShape:
		c.checkList(owner)
	case mapShape:
		c.checkMap(owner)
	case objectShape:
		c.checkObject(owner)
	}
}

func (c check) checkString() {
	if !c.v.IsScalar() {
		c.r.FailKind(c.v, "write a string")
	} else if c.s.words != nil && !slices.Contains(c.s.words, c.v.Text) {
		c.r.Fail(c.v, "is "+template.Quote(c.v.Text), "use "+template.OneOf(c.s.words))
	}
}

func (c check) checkInt() {
	n, ok := c.v.Int()
	switch {
	case !c.v.IsScalar():
		c.r.FailKind(c.v, "write a whole number")
	case !ok:
		c.r.Fail(c.v, template.Quote(c.v.Text)+" is not a whole number", "write a whole number")
	case c.s.max > 0 && (n < c.s.min || n > c.s.max):
		c.r.Fail(c.v, "is "+strconv.Itoa(n), fmt.Sprintf("use %d to %d", c.s.min, c.s.max))
	}
}

func (c check) checkList(owner string) {
	if c.v.Kind != template.List {
		c.r.FailKind(c.v, "write a list")
		return
	}
	for _, item := range c.v.Items {
		Check(c.r, item, c.s.elem, owner)
	}
}

func (c check) checkMap(owner string) {
	if c.v.Kind != template.Object {
		c.r.FailKind(c.v, "write a map")
		return
	}
	for _, f := range c.v.Fields {
		Check(c.r, f.Value, c.s.elem, owner)
	}
}

func (c check) checkObject(owner string) {
	if c.v.Kind != template.Object {
		c.r.FailKind(c.v, "write a map")
		return
	}
	for _, f := range c.v.Fields {
		if s, ok := c.s.fields[f.Key]; ok {
			Check(c.r, f.Value, s, owner+"."+f.Key)
			continue
		}
		c.r.FailKey(c.v, f, template.UnknownProperty+owner,
			template.Suggest(f.Key, template.SortedKeys(c.s.fields), "", "remove it"))
	}
	for _, name := range c.s.required {
		if !c.v.Has(name) {
			c.r.Fail(c.v, name+" is missing", "add "+name)
		}
	}
}
