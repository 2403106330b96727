package template

import (
	"cmp"
	"slices"
)

// Report collects mistakes and notes, so that one run shows all of them.
type Report struct {
	// File is the template's path as error messages show it.
	File string
	// Read are the other files that were read.
	Read   []string
	Errors Errors
	Notes  []Note
}

// Note says that something in the template has no effect locally, and why.
type Note struct {
	LogicalID, Type string
	// Reason is one phrase.
	Reason string
	// Advice is true if the note is about AWS: what the template says has
	// little or no effect there either.
	Advice bool `json:",omitempty"`
	// Placeholder is true if something runs with a placeholder for a value that
	// only AWS knows.
	Placeholder bool `json:",omitempty"`
	File        string
	// Line and Column count from 1.
	Line, Column int
}

// Fail reports a mistake in v. It returns an [Unknown] value to use in place
// of v.
func (r *Report) Fail(v *Value, problem, remedy string) *Value {
	r.Errors = append(r.Errors, &Error{
		File:    cmp.Or(v.File, r.File),
		Line:    v.Line,
		Column:  v.Column,
		Subject: v.Subject(),
		Problem: problem,
		Remedy:  remedy,
	})
	return v.Derive(Unknown)
}

// FailKey reports a mistake in the key of a field of v.
func (r *Report) FailKey(v *Value, f Field, problem, remedy string) {
	subject, file := JoinSubject(v.Subject(), f.Key), v.File
	if f.Value != nil {
		file = f.Value.File
		if f.Value.Key == f.Key {
			subject = f.Value.Subject() // in Globals, if v has the field from there
		}
	}
	r.Errors = append(r.Errors, &Error{
		File:    cmp.Or(file, r.File),
		Line:    f.Line,
		Column:  f.Column,
		Subject: subject,
		Problem: problem,
		Remedy:  remedy,
	})
}

// FailKind reports that v has the wrong kind.
func (r *Report) FailKind(v *Value, remedy string) *Value {
	return r.Fail(v, "is "+v.Kind.String(), remedy)
}

// FailAt reports a mistake at a position.
func (r *Report) FailAt(line, column int, subject, problem, remedy string) {
	r.Errors = append(r.Errors, &Error{
		File:    r.File,
		Line:    line,
		Column:  column,
		Subject: subject,
		Problem: problem,
		Remedy:  remedy,
	})
}

// FailFile reports a mistake of the file as a whole.
func (r *Report) FailFile(problem, remedy string) { r.FailAt(1, 1, "", problem, remedy) }

// AddNew adds the mistakes at positions that have none yet. A mistake that is
// already known at a position may be the cause of the new one.
func (r *Report) AddNew(more Errors) {
	known := r.Errors
	for _, e := range more {
		if !slices.ContainsFunc(known, e.samePosition) {
			r.Errors = append(r.Errors, e)
		}
	}
}

func (e *Error) samePosition(other *Error) bool {
	return e.File == other.File && e.Line == other.Line && e.Column == other.Column
}

// Note records that something has no effect locally.
func (r *Report) Note(at *Value, id, typ, reason string) { r.note(at, id, typ, reason) }

// NotePlaceholder records that at has a placeholder.
func (r *Report) NotePlaceholder(at *Value, id, typ, reason string) {
	r.note(at, id, typ, reason).Placeholder = true
}

// Advise records something about the template that matters on AWS, not here.
func (r *Report) Advise(at *Value, id, typ, reason string) { r.note(at, id, typ, reason).Advice = true }

func (r *Report) note(at *Value, id, typ, reason string) *Note {
	r.Notes = append(r.Notes, Note{
		LogicalID: id,
		Type:      typ,
		Reason:    reason,
		File:      cmp.Or(at.File, r.File),
		Line:      at.Line,
		Column:    at.Column,
	})
	return &r.Notes[len(r.Notes)-1]
}

// Fails calls f and reports whether it found a mistake.
func (r *Report) Fails(f func()) bool {
	before := len(r.Errors)
	f()
	return len(r.Errors) > before
}

// Discard calls f and drops the mistakes and notes that it makes.
func (r *Report) Discard(f func()) {
	errs, notes := len(r.Errors), len(r.Notes)
	f()
	r.Errors, r.Notes = r.Errors[:errs], r.Notes[:notes]
}

// Add adds what another report holds.
func (r *Report) Add(other *Report) {
	r.Read = append(r.Read, other.Read...)
	r.Errors = append(r.Errors, other.Errors...)
	r.Notes = append(r.Notes, other.Notes...)
}

// Section returns a section of the template that is a map, or nil.
func (r *Report) Section(root *Value, name string) *Value {
	s := root.Get(name)
	switch {
	case !s.IsPresent() || s.Kind == Null:
		return nil
	case s.Kind != Object:
		r.FailKind(s, "write a map")
		return nil
	}
	return s
}

// JoinSubject appends a key to the subject of an error. A resource is shown
// without the section it is in.
func JoinSubject(subject, key string) string {
	if subject == "" || subject == "Resources" {
		return key
	}
	return subject + "." + key
}
