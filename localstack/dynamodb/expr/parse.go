package expr

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Limits of an expression (DynamoDB quotas, "Expression parameters").
const (
	maxBytes     = 4096 // as sent, before placeholders are replaced
	maxOperators = 300  // operators and functions
	maxIn        = 100  // operands in the list of one IN
	maxSteps     = 32   // of a document path
)

// phase orders the mistakes in an expression. DynamoDB reads an expression in
// several passes and reports the first mistake of the first pass that finds
// any; the parser makes one pass and remembers the first mistake of each phase.
type phase uint8

const (
	phaseSyntax phase = iota
	phaseParens
	phaseFunctions
	phaseMisuse
	phaseOperators
	phaseReserved
	phaseSections
	phaseOperands // placeholders, and in conditions everything about operands, as written
	phasePaths
	phaseActions   // ADD and DELETE
	phaseArguments // operands of functions and arithmetic in updates
	phaseCount
)

// parser reads one expression by recursive descent. After a mistake in the
// syntax it stands at the end of the expression, so that every rule returns.
type parser struct {
	*Context
	field    string // the request's parameter, for messages
	src      string
	tokens   []token
	at       int
	keywords []string // upper case; they are no attribute names

	mistakes  [phaseCount]error
	operators int
	paths     []Path // all that were read
}

func (c *Context) newParser(field, src string, keywords ...string) (*parser, error) {
	c.parsed = true
	if len(src) > maxBytes {
		return nil, attr.Invalidf("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", field, len(src))
	}
	if strings.TrimSpace(src) == "" {
		return nil, attr.Invalidf("Invalid %s: The expression can not be empty;", field)
	}
	return &parser{Context: c, field: field, src: src, tokens: lex(src), keywords: keywords}, nil
}

// finish returns the mistake that DynamoDB would report, if there is any.
func (p *parser) finish() error {
	for _, err := range p.mistakes {
		if err != nil {
			return attr.Invalidf("Invalid %s: %s", p.field, err)
		}
	}
	return nil
}

// refuse remembers err, unless it is nil, as a mistake of the phase.
func (p *parser) refuse(ph phase, err error) {
	if p.mistakes[ph] == nil {
		p.mistakes[ph] = err
	}
}

func (p *parser) refusef(ph phase, format string, args ...any) {
	p.refuse(ph, attr.Invalidf(format, args...))
}

// syntaxError refuses the current token and ends the parse.
func (p *parser) syntaxError() {
	t := p.peek()
	from, to := t.pos, t.end()
	if p.at > 0 {
		from = p.tokens[p.at-1].pos
	}
	if t.kind == tokEOF {
		to = p.tokens[max(p.at-1, 0)].end()
	} else if following := p.tokens[p.at+1]; following.kind != tokEOF {
		to = following.end()
	}
	p.refusef(phaseSyntax, "Syntax error; token: \"%s\", near: \"%s\"", t.text, p.src[from:to])
	p.at = len(p.tokens) - 1
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokEOF {
		p.at++
	}
	return t
}

// accept takes the punctuation if it is next.
func (p *parser) accept(punct string) bool {
	if !p.peek().is(punct) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(punct string) {
	if !p.accept(punct) {
		p.syntaxError()
	}
}

func (p *parser) expectEnd() {
	if p.peek().kind != tokEOF {
		p.syntaxError()
	}
}

// keyword returns the keyword that t is, in upper case, or "".
func (p *parser) keyword(t token) string {
	if t.kind == tokIdent {
		for _, k := range p.keywords {
			if strings.EqualFold(t.text, k) {
				return k
			}
		}
	}
	return ""
}

// acceptKeyword takes the keyword if it is next.
func (p *parser) acceptKeyword(k string) bool {
	if p.keyword(p.peek()) != k {
		return false
	}
	p.next()
	return true
}

// operator counts one operator or function.
func (p *parser) operator() {
	p.operators++
	if p.operators > maxOperators {
		p.refusef(phaseOperators, "The expression contains too many operators; operator count: %d", p.operators)
	}
}

// beginsPath reports whether a document path can begin with the current token.
func (p *parser) beginsPath() bool {
	t := p.peek()
	return t.kind == tokName || t.kind == tokIdent && p.keyword(t) == ""
}

// beginsCall reports whether a function call begins with the current token.
func (p *parser) beginsCall() bool {
	return p.beginsPath() && p.peek().kind == tokIdent && p.tokens[p.at+1].is("(")
}

// path reads a document path.
func (p *parser) path() Path { return p.pathFrom(Path{p.nameStep()}) }

// goesOn reports whether a step follows a path in parentheses: in a condition,
// but not in an update, (a.b).c is a.b.c.
func (p *parser) goesOn() bool { return p.peek().is(".") || p.peek().is("[") }

// goOn reads what follows a path in parentheses, the last that was read.
func (p *parser) goOn(path Path) Path {
	p.paths = p.paths[:max(len(p.paths)-1, 0)]
	return p.pathFrom(slices.Clone(path))
}

// pathFrom reads the steps of a path after its first ones.
func (p *parser) pathFrom(path Path) Path {
	for {
		switch {
		case p.accept("."):
			path = append(path, p.nameStep())
		case p.accept("["):
			path = append(path, p.indexStep())
		default:
			if len(path) > maxSteps {
				p.refusef(phaseOperands, "The document path has too many nesting levels; nesting levels: %d", len(path))
			}
			p.paths = append(p.paths, path)
			return path
		}
	}
}

func (p *parser) nameStep() Step {
	if !p.beginsPath() {
		p.syntaxError()
		return Step{}
	}
	t := p.next()
	if t.kind == tokIdent {
		if isReserved(t.text) {
			p.refusef(phaseReserved, "Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return Step{Name: t.text}
	}
	p.usedNames[t.text] = true
	name, ok := p.names[t.text]
	if !ok {
		p.refusef(phaseOperands, "An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
	}
	return Step{Name: name}
}

func (p *parser) indexStep() Step {
	t := p.peek()
	if t.kind != tokNumber {
		p.syntaxError()
		return Step{IsIndex: true}
	}
	p.next()
	p.expect("]")
	index, err := strconv.Atoi(t.text)
	if err != nil || index > math.MaxInt32 {
		p.refusef(phaseOperands, "List index is not within the allowable range; index: [%s]", t.text)
	}
	return Step{Index: index, IsIndex: true}
}

// value reads a value placeholder. An undefined one is the zero Value.
func (p *parser) value() attr.Value {
	t := p.peek()
	if t.kind != tokValue {
		p.syntaxError()
		return attr.Value{}
	}
	p.next()
	p.usedValues[t.text] = true
	v, ok := p.values[t.text]
	if !ok {
		p.refusef(phaseOperands, "An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	return v
}

// call reads a function's name and its arguments, each by the given rule, and
// counts the function.
func call[T any](p *parser, argument func() T) (name string, args []T) {
	p.operator()
	name = p.next().text
	p.expect("(")
	args = append(args, argument())
	for p.accept(",") {
		args = append(args, argument())
	}
	p.expect(")")
	return name, args
}

// checkArity refuses a wrong number of arguments. The caller goes on only if
// it is right.
func (p *parser) checkArity(ph phase, function string, got, want int) bool {
	if got != want {
		p.refusef(ph, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", function, got)
	}
	return got == want
}

// checkKind refuses an operand whose type is known (not zero) and not among
// those that the operator or function takes.
func (p *parser) checkKind(ph phase, operator string, kind attr.Kind, allowed ...attr.Kind) {
	if kind == 0 {
		return
	}
	for _, k := range allowed {
		if kind == k {
			return
		}
	}
	p.refusef(ph, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, kind)
}
