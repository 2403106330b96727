package sam

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// maxTemplate is CloudFormation's limit for a template in S3.
	maxTemplate = 1 << 20
	// maxValues bounds what aliases may expand to. CloudFormation allows 500
	// resources, so a real template stays far below.
	maxValues = 200_000
	// maxDepth bounds recursion. CloudFormation documents no limit; real
	// templates nest about 20 levels.
	maxDepth = 200
)

// parse reads one YAML (or JSON) document. It returns nil after reporting a
// mistake that leaves nothing to look at.
func parse(d *diagnostics, data []byte) *value { return parseAt(d, data, nil) }

// parseAt is parse for a file that the template includes in a place. There
// CloudFormation does not read the short forms of functions.
func parseAt(d *diagnostics, data []byte, place *value) *value {
	if len(data) > maxTemplate {
		d.failFile("the template is larger than 1 MiB, CloudFormation's limit", "split it")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		d.failFile("the template is empty", "write at least a Resources section")
		return nil
	} else if err != nil {
		d.notYAML(err, data)
		return nil
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		d.failAt(more.Line, more.Column, "", "a second YAML document starts here", "keep one document per file")
	} else if !errors.Is(err, io.EOF) {
		d.notYAML(err, data)
		return nil
	}
	c := converter{d: d, open: map[*yaml.Node]bool{}}
	if place != nil {
		c.file, c.included = d.file, true
		place = place.parent
	}
	root := c.convert(doc.Content[0], place, "")
	if c.count > maxValues {
		return nil
	}
	switch root.kind {
	case object:
		return root
	case null:
		d.failFile("the template is empty", "write at least a Resources section")
	case unknown: // reported
	default:
		d.fail(root, "the template is "+root.kind.String(), "write a map with a Resources section")
	}
	return nil
}

var (
	yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	// fromZero are the messages for which the YAML library counts lines from 0.
	fromZero = regexp.MustCompile(`^did not find expected (key|node content|'-' indicator|',' or|<)`)
	noAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

func (d *diagnostics) notYAML(err error, data []byte) {
	message, line := err.Error(), 1
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		message = message[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	if fromZero.MatchString(message) {
		line++
	}
	if m := noAnchor.FindStringSubmatch(message); m != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
	}
	d.failAt(line, 1, "", "not YAML: "+message, "correct the syntax there or in the lines above")
}

// converter turns YAML nodes into values: aliases and merge keys are followed,
// short intrinsics (!Sub) take their long form.
type converter struct {
	d     *diagnostics
	open  map[*yaml.Node]bool // anchored nodes being converted, to find cycles
	count int
	depth int
	// file and included are set for a file that the template includes.
	file     string
	included bool
}

func (c *converter) convert(n *yaml.Node, parent *value, key string) *value {
	v := &value{line: n.Line, col: n.Column, file: c.file, parent: parent, key: key}
	if c.count++; c.count > maxValues {
		if c.count == maxValues+1 {
			c.d.fail(v, fmt.Sprintf("aliases expand to more than %d values", maxValues), "write out less with aliases")
		}
		return v
	}
	if c.depth++; c.depth > maxDepth {
		c.d.fail(v, fmt.Sprintf("nested deeper than %d levels", maxDepth), "flatten the template")
		c.depth--
		return v
	}
	defer func() { c.depth-- }()

	if n.Kind == yaml.AliasNode {
		if n.Alias == nil || c.open[n.Alias] {
			c.d.fail(v, "the alias *"+n.Value+" contains itself", "remove the cycle")
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

// tagged converts a short intrinsic.
func (c *converter) tagged(n *yaml.Node, name string, v *value) *value {
	long := longName(name)
	if !isFunction(long) {
		known := append([]string{"Ref", "Condition"}, functionNames...)
		c.d.fail(v, "unknown tag !"+name, suggest(name, known, "!", "use an intrinsic function of CloudFormation"))
		return v
	}
	if c.included {
		c.d.fail(v, includeMacro+" does not read the short form !"+name, "write "+long+":")
	}
	arg := &value{line: n.Line, col: n.Column, file: c.file, parent: v}
	c.content(n, arg)
	if n.Kind == yaml.ScalarNode {
		arg.kind = text // a tag hides what the scalar would be without it
	}
	v.kind, v.text, v.items = call, long, []*value{arg}
	return v
}

// content fills v from a node, leaving its tag aside.
func (c *converter) content(n *yaml.Node, v *value) {
	switch n.Kind {
	case yaml.ScalarNode:
		v.text = n.Value
		switch n.ShortTag() {
		case "!!null":
			v.kind, v.text = null, ""
		case "!!bool":
			v.kind = boolean
		case "!!int", "!!float":
			v.kind = number
		default:
			v.kind = text
		}
	case yaml.SequenceNode:
		v.kind = list
		for i, item := range n.Content {
			v.items = append(v.items, c.convert(item, v, "["+strconv.Itoa(i)+"]"))
		}
	case yaml.MappingNode:
		v.kind = object
		c.mapping(n, v)
	}
}

func (c *converter) mapping(n *yaml.Node, v *value) {
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, child := n.Content[i], n.Content[i+1]
		for k.Kind == yaml.AliasNode && k.Alias != nil {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			c.d.failAt(n.Content[i].Line, n.Content[i].Column, v.subject(), "a key is not a string",
				"write keys as plain strings")
			continue
		}
		if k.ShortTag() == "!!merge" {
			merges = append(merges, child)
			continue
		}
		if first := v.field(k.Value); first != nil {
			c.d.failAt(k.Line, k.Column, join(v.subject(), k.Value),
				fmt.Sprintf("the key is already in line %d", first.line), "keep one of them")
			continue
		}
		v.fields = append(v.fields, field{
			key:   k.Value,
			line:  k.Line,
			col:   k.Column,
			value: c.convert(child, v, k.Value),
		})
	}
	for _, m := range merges {
		c.merge(m, v)
	}
	c.callForm(v)
}

// merge adds the fields behind a << key; a key that is there already wins.
func (c *converter) merge(m *yaml.Node, v *value) {
	from := c.convert(m, v.parent, v.key)
	sources := []*value{from}
	if from.kind == list {
		sources = from.items
	}
	for _, s := range sources {
		if s.kind != object {
			if s.kind != unknown {
				c.d.fail(s, "a merge key (<<) holds "+s.kind.String(), "merge maps only")
			}
			continue
		}
		for _, f := range s.fields {
			if v.field(f.key) == nil {
				v.fields = append(v.fields, f)
			}
		}
	}
}

// callForm recognises the long form of an intrinsic: a map with one key.
func (c *converter) callForm(v *value) {
	for _, f := range v.fields {
		if f.key != "Ref" && !strings.HasPrefix(f.key, "Fn::") {
			continue
		}
		if strings.HasPrefix(f.key, forEach) || f.key == "Fn::Transform" && len(v.fields) > 1 {
			continue // what extend puts in its place
		}
		if len(v.fields) > 1 {
			if f.key == "Ref" {
				continue // an ordinary key of some document inside the template
			}
			c.d.failAt(f.line, f.col, v.subject(), f.key+" stands beside other keys", "put it in a map of its own")
			v.kind = unknown
			return
		}
		if !isFunction(f.key) {
			c.d.failAt(f.line, f.col, v.subject(), "unknown function "+f.key,
				suggest(strings.TrimPrefix(f.key, "Fn::"), functionNames, "Fn::",
					"use an intrinsic function of CloudFormation"))
			v.kind = unknown
			return
		}
		v.kind, v.text, v.items, v.fields = call, f.key, []*value{f.value}, nil
		return
	}
}

func (v *value) field(key string) *field {
	if v == nil {
		return nil
	}
	for i := range v.fields {
		if v.fields[i].key == key {
			return &v.fields[i]
		}
	}
	return nil
}

// functionNames are the intrinsic functions without Fn::.
var functionNames = []string{"And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn",
	"Equals", "FindInMap", "ForEach",
	"GetAZs", "GetAtt", "If", "ImportValue", "Join", "Length", "Not", "Or", "RefAll", "Select", "Split",
	"Sub", "ToJsonString", "Transform",
	"ValueOf", "ValueOfAll"}

func longName(short string) string {
	if short == "Ref" || short == "Condition" {
		return short
	}
	return "Fn::" + short
}

func isFunction(long string) bool {
	if long == "Ref" || long == "Condition" {
		return true
	}
	for _, name := range functionNames {
		if long == "Fn::"+name {
			return true
		}
	}
	return false
}
