package expr

import (
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// ParseUpdate parses an UpdateExpression.
func (c *Context) ParseUpdate(src string) (*Update, error) {
	p, err := c.newParser("UpdateExpression", src, "SET", "REMOVE", "ADD", "DELETE")
	if err != nil {
		return nil, err
	}
	u := updateParser{parser: p}
	for u.section(); p.peek().kind != tokEOF; u.section() {
	}
	p.refuse(phasePaths, checkOverlap(u.paths))
	if err := p.finish(); err != nil {
		return nil, err
	}
	return &Update{actions: u.actions, touched: newProjection(u.paths), reads: u.parser.paths}, nil
}

// updateParser collects the actions of an update and their paths.
type updateParser struct {
	*parser
	actions  []action
	paths    []Path
	sections []string // the keywords so far
}

// section parses a keyword and its actions.
func (u *updateParser) section() {
	keyword := u.keyword(u.peek())
	var parse func(Path) action // parses an action after its path
	switch keyword {
	case "SET":
		parse = u.set
	case "REMOVE":
		parse = func(Path) action { return removeAction{} }
	case "ADD":
		parse = func(Path) action {
			return addAction{u.operand(keyword, attr.N, attr.SS, attr.NS, attr.BS)}
		}
	case "DELETE":
		parse = func(Path) action {
			return deleteAction{u.operand(keyword, attr.SS, attr.NS, attr.BS)}
		}
	default:
		u.syntaxError()
		return
	}
	u.next()
	if slices.Contains(u.sections, keyword) {
		u.refusef(phaseSections, "The \"%s\" section can only be used once in an update expression;", keyword)
	}
	u.sections = append(u.sections, keyword)
	for {
		path := u.path()
		u.actions = append(u.actions, parse(path))
		u.paths = append(u.paths, path)
		if !u.accept(",") {
			return
		}
	}
}

// operand parses the value of ADD or DELETE.
func (u *updateParser) operand(keyword string, allowed ...attr.Kind) attr.Value {
	v := u.value()
	if !v.IsZero() && !slices.Contains(allowed, v.Kind()) {
		u.refusef(phaseActions, "Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND", keyword, typeWord(v.Kind()), keyword)
	}
	return v
}

// typeWord returns the name of a type in the messages for ADD and DELETE. Other
// messages use the short names.
func typeWord(kind attr.Kind) string {
	switch kind {
	case attr.S:
		return "STRING"
	case attr.N:
		return "NUMBER"
	case attr.B:
		return "BINARY"
	case attr.BOOL:
		return "BOOLEAN"
	case attr.M:
		return "MAP"
	case attr.L:
		return "LIST"
	}
	return kind.String()
}

// setTerm is a part of the right side of an assignment.
type setTerm struct {
	source
	sum    bool // a sum or difference, which cannot be an operand
	parens bool // the term is in parentheses
}

func (u *updateParser) set(path Path) action {
	u.expect("=")
	return setAction{value: u.setValue().source, outer: len(path) - 1}
}

// setValue parses one operand, or two with + or - between them.
func (u *updateParser) setValue() setTerm {
	left := u.setPrimary()
	op := u.peek()
	if !op.is("+") && !op.is("-") {
		return left
	}
	l := u.setOperand(left)
	u.next()
	u.operator()
	r := u.setOperand(u.setPrimary())
	for _, s := range []source{l, r} {
		u.checkKind(phaseArguments, op.text, s.kind(), attr.N)
	}
	return setTerm{source: sumSource{op.text == "-", l, r}, sum: true}
}

// setOperand returns the term as an operand. Another term is a mistake.
func (u *updateParser) setOperand(t setTerm) source {
	if t.sum {
		u.syntaxError()
	}
	return t.source
}

func (u *updateParser) setPrimary() setTerm {
	switch {
	case u.accept("("):
		inner := u.setValue()
		u.expect(")")
		if inner.parens {
			u.refusef(phaseParens, "The expression has redundant parentheses;")
		}
		inner.parens = true
		return inner
	case u.atCall():
		name, args := call(u.parser, func() source { return u.setOperand(u.setPrimary()) })
		return setTerm{source: u.function(name, args)}
	case u.atPath():
		return setTerm{source: pathOperand{u.path()}}
	}
	return setTerm{source: valueOperand{u.value()}}
}

// function returns the source for a function call.
func (u *updateParser) function(name string, args []source) source {
	want, known := updateFunctions[name]
	if !known {
		if _, elsewhere := conditionFunctions[name]; elsewhere {
			u.refusef(phaseFunctions, "The function is not allowed in an update expression; function: %s", name)
		} else {
			u.refusef(phaseFunctions, "Invalid function name; function: %s", name)
		}
		return valueOperand{}
	}
	for _, a := range args {
		if _, nested := a.(listAppendSource); nested && name == "list_append" {
			u.misused(name)
		}
	}
	if !u.checkArity(phaseArguments, name, len(args), want) {
		return valueOperand{}
	}
	if name == "if_not_exists" {
		path, ok := args[0].(pathOperand)
		if !ok {
			u.requiresPath(phaseArguments, name)
		}
		return ifNotExistsSource{path.path, args[1]}
	}
	for _, a := range args {
		u.checkKind(phaseArguments, name, a.kind(), attr.L)
	}
	return listAppendSource{args[0], args[1]}
}
