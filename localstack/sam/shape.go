package sam

import (
	"fmt"
	"slices"
	"strconv"
)

// shape describes what a property may hold, as CloudFormation's resource
// schemas do.
type shape struct {
	kind     shapeKind
	elem     *shape            // of lists and maps
	fields   map[string]*shape // of objects
	required []string          // of objects, sorted
	words    []string          // the allowed strings, if limited
	min, max int               // of integers, if max > 0
	nullable bool              // null stands for nothing
}

type shapeKind uint8

const (
	anyShape shapeKind = iota
	stringShape
	intShape
	floatShape
	boolShape
	listShape
	mapShape
	objectShape
)

// props lists the properties of an object.
type props map[string]*shape

var (
	anything = &shape{}
	str      = &shape{kind: stringShape}
	integer  = &shape{kind: intShape}
	decimal  = &shape{kind: floatShape}
	toggle   = &shape{kind: boolShape}
	strList  = listOf(str)
	strMap   = mapOf(str)
	// document is JSON written out in YAML, or its text.
	document = anything
	tagList  = listOf(objectOf(props{"Key": must(str), "Value": str}))
)

func listOf(elem *shape) *shape      { return &shape{kind: listShape, elem: elem} }
func mapOf(elem *shape) *shape       { return &shape{kind: mapShape, elem: elem} }
func between(low, high int) *shape   { return &shape{kind: intShape, min: low, max: high} }
func words(allowed ...string) *shape { return &shape{kind: stringShape, words: allowed} }

// orNull lets a property be null, as SAM does where it drops the property.
func orNull(s *shape) *shape {
	n := *s
	n.nullable = true
	return &n
}

// must marks a property as required, for objectOf.
func must(s *shape) *shape {
	return &shape{kind: requiredMark, elem: s}
}

const requiredMark shapeKind = 255

func objectOf(p props) *shape {
	s := &shape{kind: objectShape, fields: make(map[string]*shape, len(p))}
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

// check reports every way in which v does not fit s. Calls that are not
// resolved yet fit everything. The word owner names what has the properties.
func (d *diagnostics) check(v *value, s *shape, owner string) {
	if v.kind == unknown || v.kind == call {
		return
	}
	if v.kind == null && s.nullable {
		return
	}
	if v.kind == null {
		d.fail(v, "is empty", "give it a value or remove it")
		return
	}
	switch s.kind {
	case stringShape:
		if !v.isScalar() {
			d.fail(v, "is "+v.kind.String(), "write a string")
		} else if s.words != nil && !slices.Contains(s.words, v.text) {
			d.fail(v, "is "+quote(v.text), "use "+oneOf(s.words))
		}
	case intShape:
		n, ok := v.asInt()
		switch {
		case !v.isScalar():
			d.fail(v, "is "+v.kind.String(), "write a whole number")
		case !ok:
			d.fail(v, quote(v.text)+" is not a whole number", "write a whole number")
		case s.max > 0 && (n < s.min || n > s.max):
			d.fail(v, "is "+strconv.Itoa(n), fmt.Sprintf("use %d to %d", s.min, s.max))
		}
	case floatShape:
		if _, ok := v.asFloat(); !ok {
			d.fail(v, "is not a number", "write a number")
		}
	case boolShape:
		if _, ok := v.asBool(); !ok {
			d.fail(v, "is not a boolean", "use true or false")
		}
	case listShape:
		if v.kind != list {
			d.fail(v, "is "+v.kind.String(), "write a list")
			return
		}
		for _, item := range v.items {
			d.check(item, s.elem, owner)
		}
	case mapShape:
		if v.kind != object {
			d.fail(v, "is "+v.kind.String(), "write a map")
			return
		}
		for _, f := range v.fields {
			d.check(f.value, s.elem, owner)
		}
	case objectShape:
		d.checkObject(v, s, owner)
	}
}

func (d *diagnostics) checkObject(v *value, s *shape, owner string) {
	if v.kind != object {
		d.fail(v, "is "+v.kind.String(), "write a map")
		return
	}
	for _, f := range v.fields {
		if fs, ok := s.fields[f.key]; ok {
			d.check(f.value, fs, owner+"."+f.key)
			continue
		}
		d.failKey(v, f, unknownProperty+owner, suggest(f.key, sortedKeys(s.fields), "", "remove it"))
	}
	for _, name := range s.required {
		if !v.has(name) {
			d.fail(v, name+" is missing", "add "+name)
		}
	}
}
