package eval

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// constraints check the value of one parameter.
type constraints struct {
	r  *Resolver
	p  *template.Value // the parameter
	at *template.Value // where a mistake is shown
	// shown names the value in messages, hint is the remedy.
	shown, hint string
}

// constrain applies the constraints of parameter p to a value. A mistake is
// shown at at.
func (r *Resolver) constrain(p, at *template.Value, raw string) *template.Value {
	c := constraints{
		r:     r,
		p:     p,
		at:    at,
		shown: "the value " + template.Quote(raw),
		hint:  cmp.Or(p.Str("ConstraintDescription"), "give another value"),
	}
	if secret, _ := p.Get("NoEcho").Bool(); secret {
		c.shown = "the value" // a NoEcho value must not appear in a log
	}
	typ := p.Str("Type")
	isList := strings.Contains(typ, "CommaDelimitedList") || strings.Contains(typ, "List<")
	elements := []string{raw}
	if isList {
		elements = splitList(raw)
	}
	_, _, placeheld := r.Placeholders.In(raw) // the value is unknown, so it is not checked
	if !placeheld && r.Fails(func() { c.check(typ, raw, isList, elements) }) {
		return at.Derive(template.Unknown)
	}
	if isList {
		return at.NewTexts(elements...)
	}
	v := at.NewText(raw)
	if typ == "Number" && !placeheld {
		v.Kind = template.Number
	}
	return v
}

// splitList splits a list with commas. An empty text is an empty list.
func splitList(raw string) []string {
	if raw == "" {
		return nil
	}
	elements := strings.Split(raw, ",")
	for i := range elements {
		elements[i] = strings.TrimSpace(elements[i])
	}
	return elements
}

func (c constraints) check(typ, raw string, isList bool, elements []string) {
	for _, e := range elements {
		if (typ == "Number" || typ == "List<Number>") && !c.checkNumber(e) {
			break
		}
		c.checkAllowed(e)
	}
	if !isList {
		c.checkLength(utf8.RuneCountInString(raw))
	}
	if pattern := c.p.Get("AllowedPattern"); pattern != nil {
		c.checkPattern(pattern, elements)
	}
}

// checkNumber reports whether e is a number.
func (c constraints) checkNumber(e string) bool {
	n, ok := c.at.NewText(e).Float()
	if !ok {
		c.r.Fail(c.at, c.shown+" is not a number", "give a number")
		return false
	}
	if low, ok := c.p.Get("MinValue").Float(); ok && n < low {
		c.r.Fail(c.at, c.shown+" is below MinValue "+c.p.Str("MinValue"), c.hint)
	}
	if high, ok := c.p.Get("MaxValue").Float(); ok && n > high {
		c.r.Fail(c.at, c.shown+" is above MaxValue "+c.p.Str("MaxValue"), c.hint)
	}
	return true
}

func (c constraints) checkAllowed(e string) {
	allowed := c.p.Strings("AllowedValues")
	if c.p.Has("AllowedValues") && !slices.Contains(allowed, e) {
		c.r.Fail(c.at, c.shown+" is not in AllowedValues",
			cmp.Or(c.p.Str("ConstraintDescription"), "use "+template.OneOf(allowed)))
	}
}

// checkLength checks the number of characters.
func (c constraints) checkLength(length int) {
	if low, ok := c.p.Get("MinLength").Int(); ok && length < low {
		c.r.Fail(c.at, fmt.Sprintf("%s is shorter than MinLength %d", c.shown, low), c.hint)
	}
	if high, ok := c.p.Get("MaxLength").Int(); ok && length > high {
		c.r.Fail(c.at, fmt.Sprintf("%s is longer than MaxLength %d", c.shown, high), c.hint)
	}
}

// javaOnly matches regular expressions that CloudFormation's Java engine
// accepts and Go's does not: look-around, possessive quantifiers,
// back-references.
var javaOnly = regexp.MustCompile(`\(\?[=!<]|[*+?}]\+|\\[1-9]`)

func (c constraints) checkPattern(pattern *template.Value, elements []string) {
	re, err := regexp.Compile(`^(?:` + pattern.Text + `)$`)
	switch {
	case err != nil && javaOnly.MatchString(pattern.Text):
		c.r.Note(pattern.Parent, pattern.Parent.Key, "AllowedPattern",
			"the pattern needs Java's regular expressions, so the value is not checked")
	case err != nil:
		c.r.Fail(pattern, "not a regular expression", "correct "+template.Quote(pattern.Text))
	case slices.ContainsFunc(elements, func(e string) bool { return !re.MatchString(e) }):
		c.r.Fail(c.at, c.shown+" does not match AllowedPattern "+template.Quote(pattern.Text), c.hint)
	}
}
