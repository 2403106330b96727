package sam

import (
	"strconv"
	"strings"
)

// kind tells what a value holds.
type kind uint8

const (
	// unknown stands in for a value whose mistake is already reported, so that
	// nothing that depends on it is reported again.
	unknown kind = iota
	null
	boolean
	number
	text
	list
	object
	// call is an intrinsic function: text is its name, items[0] its argument.
	call
	// absent is AWS::NoValue: whatever holds it drops it.
	absent
)

func (k kind) String() string {
	return [...]string{"unknown", "empty", "a boolean", "a number", "a string", "a list", "a map",
		"an intrinsic function", "nothing"}[k]
}

// value is a node of the template. Values are never changed once parsed:
// resolving builds new ones that keep the position of what they came from.
type value struct {
	kind   kind
	text   string // scalars as written; the name of a call
	items  []*value
	fields []field

	line, col int
	// file is the file that the value is in, if AWS::Include took it from
	// another one than the template.
	file string
	// parent and key give the path that errors show. They follow the text of
	// the template, also for values that expansion moves elsewhere.
	parent *value
	key    string
}

// field is one entry of an object.
type field struct {
	key       string
	line, col int
	value     *value
}

func (v *value) get(key string) *value {
	if v == nil || v.kind != object {
		return nil
	}
	for i := range v.fields {
		if v.fields[i].key == key {
			return v.fields[i].value
		}
	}
	return nil
}

func (v *value) has(key string) bool { return v.get(key) != nil }

func (v *value) keys() []string {
	if v == nil {
		return nil
	}
	keys := make([]string, len(v.fields))
	for i, f := range v.fields {
		keys[i] = f.key
	}
	return keys
}

// scalar returns the text of a string, number or boolean, and "" otherwise.
func (v *value) scalar() string {
	if v != nil && v.isScalar() {
		return v.text
	}
	return ""
}

func (v *value) isScalar() bool { return v.kind == text || v.kind == number || v.kind == boolean }

func (v *value) str(key string) string { return v.get(key).scalar() }

// strOr is str with a default for a missing or empty property.
func (v *value) strOr(key, def string) string {
	if s := v.str(key); s != "" {
		return s
	}
	return def
}

func (v *value) boolOr(key string, def bool) bool {
	if b, ok := v.get(key).asBool(); ok {
		return b
	}
	return def
}

func (v *value) intOr(key string, def int) int {
	if n, ok := v.get(key).asInt(); ok {
		return n
	}
	return def
}

func (v *value) strs(key string) []string {
	p := v.get(key)
	if p == nil || p.kind != list {
		return nil
	}
	var out []string
	for _, item := range p.items {
		if item.isScalar() {
			out = append(out, item.text)
		}
	}
	return out
}

// strMap returns the scalar entries of a map.
func (v *value) strMap(key string) map[string]string {
	p := v.get(key)
	if p == nil || p.kind != object || len(p.fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(p.fields))
	for _, f := range p.fields {
		if f.value.isScalar() {
			out[f.key] = f.value.text
		}
	}
	return out
}

// each returns the items of the list under key.
func (v *value) each(key string) []*value {
	p := v.get(key)
	if p == nil || p.kind != list {
		return nil
	}
	return p.items
}

// asBool accepts what CloudFormation does: a boolean or its text.
func (v *value) asBool() (b, ok bool) {
	switch strings.ToLower(v.scalar()) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

func (v *value) asInt() (int, bool) {
	base := 10
	if v != nil && v.kind == number {
		base = 0 // YAML writes hexadecimal and octal integers too
	}
	n, err := strconv.ParseInt(v.scalar(), base, 32)
	if err == nil {
		return int(n), true
	}
	// 3.0 and 1e3 are integers to CloudFormation's JSON.
	f, ok := v.asFloat()
	if ok && f == float64(int32(f)) {
		return int(f), true
	}
	return 0, false
}

func (v *value) asFloat() (float64, bool) {
	f, err := strconv.ParseFloat(v.scalar(), 64)
	if err != nil || f != f || f > 1e300 || f < -1e300 {
		return 0, false
	}
	return f, true
}

// subject is the path that an error shows: the resource's logical id and the
// property path, without the words Resources and Properties and without the
// intrinsic functions in between.
func (v *value) subject() string {
	var path []string
	for n := v; n.parent != nil; n = n.parent {
		p := n.parent
		inCall := p.kind == call || p.kind == list && p.parent != nil && p.parent.kind == call
		if n.key != "" && !inCall {
			path = append(path, n.key)
		}
	}
	var b strings.Builder
	for i := len(path) - 1; i >= 0; i-- {
		depth := len(path) - 1 - i
		inResource := path[len(path)-1] == "Resources" && len(path) > 1
		if inResource && (depth == 0 || depth == 2 && path[i] == "Properties") {
			continue
		}
		if b.Len() > 0 && !strings.HasPrefix(path[i], "[") {
			b.WriteByte('.')
		}
		b.WriteString(path[i])
	}
	return b.String()
}

// The constructors below build values for expansion and resolution. Each takes
// the value in the template that the new one stands for, for its position.

func (v *value) derive(k kind) *value {
	return &value{kind: k, line: v.line, col: v.col, file: v.file, parent: v.parent, key: v.key}
}

func (v *value) newText(s string) *value {
	n := v.derive(text)
	n.text = s
	return n
}

func (v *value) newList(items ...*value) *value {
	n := v.derive(list)
	n.items = items
	return n
}

func (v *value) newObject(fields ...field) *value {
	n := v.derive(object)
	n.fields = fields
	return n
}

func (v *value) newCall(name string, arg *value) *value {
	n := v.derive(call)
	n.text = name
	n.items = []*value{arg}
	return n
}

// with makes a field at the position of its value.
func with(key string, v *value) field {
	return field{key: key, line: v.line, col: v.col, value: v}
}

// moved is v at the position and path of at.
func (v *value) moved(at *value) *value {
	n := *v
	n.line, n.col, n.file, n.parent, n.key = at.line, at.col, at.file, at.parent, at.key
	return &n
}

// hasCall says whether an intrinsic function is left anywhere in v.
func (v *value) hasCall() bool {
	if v.kind == call {
		return true
	}
	for _, item := range v.items {
		if item.hasCall() {
			return true
		}
	}
	for _, f := range v.fields {
		if f.value.hasCall() {
			return true
		}
	}
	return false
}
