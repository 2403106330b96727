package plan

import (
	"cmp"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Origin is the position of a resource in the template. A resource that SAM
// generates has the position of the resource it is generated from.
type Origin struct {
	file           string
	at, properties *template.Value
}

// NewOrigin returns the origin of a resource. The file is the template.
func NewOrigin(file string, res *template.Resource) Origin {
	return Origin{file: file, at: res.At, properties: res.Properties}
}

// Mistake returns an error at a property, by its name in CloudFormation, or at
// the resource if the template does not set the property. It is for valid
// templates that the caller cannot run.
func (o Origin) Mistake(property, problem, remedy string) *template.Error {
	e := &template.Error{File: o.file, Problem: problem, Remedy: remedy}
	at := o.properties.Get(property)
	if at == nil {
		at = o.at
	}
	if at != nil {
		e.File, e.Line, e.Column, e.Subject = cmp.Or(at.File, o.file), at.Line, at.Column, at.Subject()
	}
	return e
}
