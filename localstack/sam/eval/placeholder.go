package eval

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// placeholderWord begins every placeholder. It has letters only, so that a
// placeholder stays whole where a template splits and joins text.
const placeholderWord = "NotKnownLocally"

// Placeholder stands for a value that AWS assigns to a resource and that is not
// known here, such as the id of a user pool.
type Placeholder struct {
	// Reference is the reference to the value, such as "!Ref Pool", and Type
	// the type of the resource.
	Reference, Type string
}

// Placeholders are the placeholders of all templates of an app by their text.
type Placeholders struct {
	byText map[string]Placeholder
	uses   []Use
}

// Use is a place where a placeholder gets to.
type Use struct {
	// At is the value that contains the placeholder, in File.
	At          *template.Value
	File        string
	Placeholder Placeholder
}

// NewPlaceholders returns an empty set.
func NewPlaceholders() *Placeholders { return &Placeholders{byText: map[string]Placeholder{}} }

// text returns the text of a placeholder: the word and the path of the
// resource, with a number if another placeholder has that text.
func (p *Placeholders) text(path, attr string, placeholder Placeholder) string {
	letters := strings.NewReplacer("/", "", ".", "", ":", "", "-", "", "_", "")
	base := placeholderWord + letters.Replace(path+attr)
	for n := 1; ; n++ {
		text := base
		if n > 1 {
			text += fmt.Sprintf("No%d", n)
		}
		if other, taken := p.byText[text]; !taken || other == placeholder {
			p.byText[text] = placeholder
			return text
		}
	}
}

var placeholderText = regexp.MustCompile(placeholderWord + `[A-Za-z0-9]*`)

// In returns the placeholder in a text, and its own text. If the text has
// several, it is the first.
func (p *Placeholders) In(text string) (placeholder Placeholder, own string, ok bool) {
	for _, word := range placeholderText.FindAllString(text, -1) {
		for ; len(word) > len(placeholderWord); word = word[:len(word)-1] { // a letter may follow
			if found, ok := p.byText[word]; ok {
				return found, word, true
			}
		}
	}
	return Placeholder{}, "", false
}

// Uses returns the recorded uses.
func (p *Placeholders) Uses() []Use { return p.uses }

// Record records the placeholders in v, without what is below the keys except.
// It returns the uses that it found.
func (r *Resolver) Record(v *template.Value, except ...string) []Use {
	before := len(r.Placeholders.uses)
	r.record(v, except)
	return r.Placeholders.uses[before:]
}

func (r *Resolver) record(v *template.Value, except []string) {
	if v == nil {
		return
	}
	if found, _, ok := r.Placeholders.In(v.Scalar()); ok {
		file := r.File
		if v.File != "" {
			file = v.File
		}
		r.Placeholders.uses = append(r.Placeholders.uses, Use{At: v, File: file, Placeholder: found})
	}
	for _, item := range v.Items {
		r.record(item, nil)
	}
	for _, f := range v.Fields {
		if !slices.Contains(except, f.Key) {
			r.record(f.Value, nil)
		}
	}
}

// Placeholder returns the placeholder of Ref to res or, with attr, of an
// attribute. It has the form that the end of the attribute's name suggests.
func (r *Resolver) Placeholder(res *template.Resource, attr string) string {
	reference := "!Ref " + res.ID
	if attr != "" {
		reference = "!GetAtt " + res.ID + "." + attr
	}
	path := res.ID
	if r.StackPath != "" {
		path = r.StackPath + "/" + path
		reference += " of the nested stack " + r.StackPath
	}
	text := r.Placeholders.text(path, attr, Placeholder{Reference: reference, Type: res.Type})
	switch {
	case strings.HasSuffix(attr, "Arn"):
		service := "unknown"
		if parts := strings.Split(res.Type, "::"); len(parts) > 2 {
			service = strings.ToLower(parts[1])
		}
		return awsname.ARN(service, r.Pseudo["AWS::Region"], r.Pseudo["AWS::AccountId"], text)
	case strings.HasSuffix(attr, "Url"), strings.HasSuffix(attr, "URL"), strings.HasSuffix(attr, "Endpoint"):
		return "https://" + text + ".invalid"
	}
	return text
}

// Explain replaces what is said of the mistakes at places where a placeholder
// is used: the missing value is their cause.
func (p *Placeholders) Explain(errs template.Errors) {
	for _, e := range errs {
		for _, u := range p.uses {
			if u.File == e.File && u.At.Line == e.Line && u.At.Column == e.Column {
				e.Problem, e.Remedy = u.Placeholder.Needed()
			}
		}
	}
}

// Needed returns the mistake of a place that cannot do without the value.
func (p Placeholder) Needed() (problem, remedy string) {
	return "needs the value of " + p.Reference + " (" + p.Type + "), which only AWS knows",
		"use a parameter instead"
}
