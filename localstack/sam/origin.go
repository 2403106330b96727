package sam

// origin is where the template writes a resource of the plan. Resources that
// SAM generates come from the one that they are generated of.
type origin struct {
	file      string
	at, props *value
}

func (l *loader) origin(res *resource) origin {
	return origin{file: l.file, at: res.at, props: res.props}
}

// Mistake is an error at a property of the resource, by its CloudFormation
// name, or at the resource if the template does not write the property. It is
// for what the template may say on AWS and a caller cannot do.
func (o origin) Mistake(property, problem, remedy string) *Error {
	e := &Error{File: o.file, Problem: problem, Remedy: remedy}
	at := o.props.get(property)
	if at == nil {
		at = o.at
	}
	if at != nil {
		e.File, e.Line, e.Column, e.Subject = first(at.file, o.file), at.line, at.col, at.subject()
	}
	return e
}
