package template

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// converter turns YAML nodes into values. It follows aliases and merge keys,
// and gives short intrinsic functions (!Sub) their long form.
type converter struct {
	r     *Report
	open  map[*yaml.Node]bool // anchored nodes that are being converted
	count int
	depth int
	// file is the file of the values, or empty for that of the report.
	file string
	// included is set for a file that the template includes.
	included bool
}

func (c *converter) convert(n *yaml.Node, parent *Value, key string) *Value {
	v := &Value{
		Line:   n.Line,
		Column: n.Column,
		File:   c.file,
		Parent: parent,
		Key:    key,
	}
	c.depth++
	defer func() { c.depth-- }()
	if c.exceeds(v) {
		return v
	}
	if n.Kind == yaml.AliasNode {
		if n.Alias == nil || c.open[n.Alias] {
			c.r.Fail(v, "the alias *"+n.Value+" contains itself", "remove the cycle")
			return v
		}
		return c.convert(n.Alias, parent, key)
	}
	if n.Anchor != "" {
		c.open[n] = true
		defer delete(c.open, n)
	}
	if name, ok := strings.CutPrefix(n.Tag, "!"); ok && name != "" && !strings.HasPrefix(name, "!") {
		return c.tagged(n, name, v)
	}
	c.content(n, v)
	return v
}

// exceeds counts v and reports whether the template is larger or deeper than
// allowed. The first value beyond a limit is a mistake.
func (c *converter) exceeds(v *Value) bool {
	c.count++
	if c.count > MaxValues {
		if c.count == MaxValues+1 {
			c.r.Fail(v, fmt.Sprintf("aliases expand to more than %d values", MaxValues), "write out less with aliases")
		}
		return true
	}
	if c.depth > maxDepth {
		c.r.Fail(v, fmt.Sprintf("nested deeper than %d levels", maxDepth), "flatten the template")
		return true
	}
	return false
}

// tagged converts the short form of an intrinsic function.
func (c *converter) tagged(n *yaml.Node, name string, v *Value) *Value {
	long := longName(name)
	if !isFunction(long) {
		known := append([]string{"Ref", "Condition"}, functionNames...)
		c.r.Fail(v, "unknown tag !"+name, Suggest(name, known, "!", "use an intrinsic function of CloudFormation"))
		return v
	}
	if c.included {
		c.r.Fail(v, IncludeMacro+" does not read the short form !"+name, "write "+long+":")
	}
	arg := &Value{Line: n.Line, Column: n.Column, File: c.file, Parent: v}
	c.content(n, arg)
	if n.Kind == yaml.ScalarNode {
		arg.Kind = Text // under a tag, every scalar is a string
	}
	v.Kind, v.Text, v.Items = Call, long, []*Value{arg}
	return v
}

// content fills v from a node and ignores its tag.
func (c *converter) content(n *yaml.Node, v *Value) {
	switch n.Kind {
	case yaml.ScalarNode:
		v.Kind, v.Text = scalarKind(n), n.Value
		if v.Kind == Null {
			v.Text = ""
		}
	case yaml.SequenceNode:
		v.Kind = List
		for i, item := range n.Content {
			v.Items = append(v.Items, c.convert(item, v, "["+strconv.Itoa(i)+"]"))
		}
	case yaml.MappingNode:
		v.Kind = Object
		c.mapping(n, v)
	}
}

func scalarKind(n *yaml.Node) Kind {
	switch n.ShortTag() {
	case "!!null":
		return Null
	case "!!bool":
		return Bool
	case "!!int", "!!float":
		return Number
	}
	return Text
}

func (c *converter) mapping(n *yaml.Node, v *Value) {
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, child := n.Content[i], n.Content[i+1]
		for k.Kind == yaml.AliasNode && k.Alias != nil {
			k = k.Alias
		}
		switch {
		case k.Kind != yaml.ScalarNode:
			c.r.FailAt(n.Content[i].Line, n.Content[i].Column, v.Subject(), "a key is not a string",
				"write keys as plain strings")
		case k.ShortTag() == "!!merge":
			merges = append(merges, child)
		default:
			c.put(v, k, child)
		}
	}
	for _, m := range merges {
		c.merge(m, v)
	}
	c.callForm(v)
}

// put adds the field with key k to v, once.
func (c *converter) put(v *Value, k, child *yaml.Node) {
	if first := v.Field(k.Value); first != nil {
		c.r.FailAt(k.Line, k.Column, JoinSubject(v.Subject(), k.Value),
			fmt.Sprintf("the key is already in line %d", first.Line), "keep one of them")
		return
	}
	v.Fields = append(v.Fields, Field{
		Key:    k.Value,
		Line:   k.Line,
		Column: k.Column,
		Value:  c.convert(child, v, k.Value),
	})
}

// merge adds the fields behind a << key. A key that v already has wins.
func (c *converter) merge(m *yaml.Node, v *Value) {
	for _, s := range c.convert(m, v.Parent, v.Key).OneOrMore() {
		if s.Kind != Object && s.Kind != Unknown {
			c.r.Fail(s, "a merge key (<<) holds "+s.Kind.String(), "merge maps only")
		}
		for _, f := range s.Entries() {
			if v.Field(f.Key) == nil {
				v.Fields = append(v.Fields, f)
			}
		}
	}
}

// callForm recognises the long form of an intrinsic function: a map with one
// key.
func (c *converter) callForm(v *Value) {
	for _, f := range v.Fields {
		switch {
		case f.Key != "Ref" && !strings.HasPrefix(f.Key, "Fn::"):
		case strings.HasPrefix(f.Key, ForEach):
			// replaced later
		case len(v.Fields) > 1 && (f.Key == "Fn::Transform" || f.Key == "Ref"):
			// an included file is put here later; Ref may be an ordinary key of
			// a document inside the template
		default:
			c.call(v, f)
			return
		}
	}
}

// call turns v into the intrinsic function that its field f is.
func (c *converter) call(v *Value, f Field) {
	switch {
	case len(v.Fields) > 1:
		c.r.FailAt(f.Line, f.Column, v.Subject(), f.Key+" has other keys next to it", "put it in a separate map")
		v.Kind = Unknown
	case !isFunction(f.Key):
		c.r.FailAt(f.Line, f.Column, v.Subject(), "unknown function "+f.Key,
			Suggest(strings.TrimPrefix(f.Key, "Fn::"), functionNames, "Fn::",
				"use an intrinsic function of CloudFormation"))
		v.Kind = Unknown
	default:
		v.Kind, v.Text, v.Items, v.Fields = Call, f.Key, []*Value{f.Value}, nil
	}
}
