package template

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxSize is CloudFormation's limit for a template in S3, in bytes.
	MaxSize = 1 << 20
	// MaxValues bounds what aliases and loops may expand to. CloudFormation
	// allows 500 resources, so real templates have far fewer values.
	MaxValues = 200_000
	// maxDepth bounds recursion. CloudFormation documents no limit; real
	// templates nest about 20 levels.
	maxDepth = 200
)

// Parse reads one YAML or JSON document. It returns nil after it has reported a
// mistake that leaves nothing to evaluate.
func Parse(r *Report, data []byte) *Value { return r.parse(data, "", nil) }

// ParseNested is [Parse] for the template of a nested stack. Its values know
// their file, so that they can be reported together with those of the outermost
// template.
func ParseNested(r *Report, data []byte) *Value { return r.parse(data, r.File, nil) }

// ParseDocument is [Parse] for a file that is no template: its root may be a
// map, a list or a scalar. It returns nil after a mistake.
func ParseDocument(r *Report, data []byte) *Value {
	if root := r.document(data, "", nil); root != nil && root.Kind != Unknown {
		return root
	}
	return nil
}

// ParseIncluded is [Parse] for a file that the template includes at place.
// CloudFormation does not read the short forms of functions there.
func ParseIncluded(r *Report, data []byte, place *Value) *Value { return r.parse(data, r.File, place) }

// parse reads a document. The values have that file; place is where the
// template includes the document, or nil.
func (r *Report) parse(data []byte, file string, place *Value) *Value {
	root := r.document(data, file, place)
	switch {
	case root.Is(Object):
		return root
	case root.Is(Null):
		r.failEmpty()
	case root != nil && root.Kind != Unknown:
		r.Fail(root, "the template is "+root.Kind.String(), "write a map with a Resources section")
	}
	return nil
}

// document converts a document, or returns nil after a mistake.
func (r *Report) document(data []byte, file string, place *Value) *Value {
	if len(data) > MaxSize {
		r.FailFile("the template is larger than 1 MiB, CloudFormation's limit", "split it")
		return nil
	}
	doc := r.decode(data)
	if doc == nil {
		return nil
	}
	c := converter{r: r, open: map[*yaml.Node]bool{}, file: file}
	if place != nil {
		c.included = true
		place = place.Parent
	}
	root := c.convert(doc.Content[0], place, "")
	if c.count > MaxValues {
		return nil
	}
	return root
}

func (r *Report) failEmpty() {
	r.FailFile("the template is empty", "write at least a Resources section")
}

// decode reads the only YAML document in data, or returns nil.
func (r *Report) decode(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		r.failEmpty()
		return nil
	case err != nil:
		r.failYAML(err, data)
		return nil
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		r.FailAt(more.Line, more.Column, "", "a second YAML document starts here", "keep one document per file")
	case !errors.Is(err, io.EOF):
		r.failYAML(err, data)
		return nil
	}
	return &doc
}

var (
	yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	// fromZero matches the messages for which the YAML library counts lines
	// from 0.
	fromZero = regexp.MustCompile(`^did not find expected (key|node content|'-' indicator|',' or|<)`)
	noAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// failYAML reports a syntax error of the YAML library at its line.
func (r *Report) failYAML(err error, data []byte) {
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
	r.FailAt(line, 1, "", "not YAML: "+message, "correct the syntax there or in the lines above")
}
