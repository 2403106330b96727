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
	maxSteps     = 32   // steps of a document path
)

// phase orders the mistakes in an expression. DynamoDB checks an expression in
// several passes and reports the first mistake of the first pass that finds
// one. The parser makes one pass and records the first mistake of each phase.
type phase uint8

const (
	phaseSyntax phase = iota
	phaseParens
	phaseFunctions
	phaseMisuse
	phaseOperators
	phaseReserved
	phaseSections
	phaseOperands // placeholders and, in conditions, all checks of operands, in source order
	phasePaths
	phaseActions   // ADD and DELETE
	phaseArguments // operands of functions and of + and - in updates
	phaseCount
)

// parser is a recursive descent parser for one expression. After a syntax error
// it moves to the end of the expression, so that every rule returns.
type parser struct {
	*Context
	field    string // the request's parameter, for messages
	src      string
	tokens   []token
	at       int      // the position in tokens
	keywords []string // in upper case; they cannot be attribute names

	mistakes  [phaseCount]error // the first one of each phase
	operators int               // operators and functions so far
	paths     []Path            // all paths so far
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

// finish returns the mistake that DynamoDB reports, nil if there is none.
func (p *parser) finish() error {
	for _, err := range p.mistakes {
		if err != nil {
			return attr.Invalidf("Invalid %s: %s", p.field, err)
		}
	}
	return nil
}

// refuse records err, unless it is nil, as a mistake of the phase.
func (p *parser) refuse(ph phase, err error) {
	if p.mistakes[ph] == nil {
		p.mistakes[ph] = err
	}
}

func (p *parser) refusef(ph phase, format string, args ...any) {
	p.refuse(ph, attr.Invalidf(format, args...))
}

// syntaxError records the current token as a mistake and moves to the end of
// the expression.
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

// accept consumes the punctuation if it is next.
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

// keyword returns t in upper case if it is a keyword, else "".
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

// acceptKeyword consumes the keyword if it is next.
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

// atPath reports whether the current token can begin a document path.
func (p *parser) atPath() bool {
	t := p.peek()
	return t.kind == tokName || t.kind == tokIdent && p.keyword(t) == ""
}

// atCall reports whether the current token begins a function call.
func (p *parser) atCall() bool {
	return p.atPath() && p.peek().kind == tokIdent && p.tokens[p.at+1].is("(")
}

// path parses a document path.
func (p *parser) path() Path { return p.pathFrom(Path{p.nameStep()}) }

// atPathStep reports whether the current token continues a document path. In a
// condition, but not in an update, a path in parentheses can continue: (a.b).c
// is a.b.c.
func (p *parser) atPathStep() bool { return p.peek().is(".") || p.peek().is("[") }

// extendPath parses the steps that follow a path in parentheses, which is the
// last one in p.paths.
func (p *parser) extendPath(path Path) Path {
	p.paths = p.paths[:max(len(p.paths)-1, 0)]
	return p.pathFrom(slices.Clone(path))
}

// pathFrom parses the remaining steps of a path.
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
	if !p.atPath() {
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

// value parses a value placeholder. It returns the zero Value if the
// placeholder is undefined.
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

// call parses a function call. It calls argument to parse each argument, and
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

// checkArity refuses a wrong number of arguments and reports whether the number
// is right.
func (p *parser) checkArity(ph phase, function string, got, want int) bool {
	if got != want {
		p.refusef(ph, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", function, got)
	}
	return got == want
}

// checkKind refuses an operand whose type is known (not zero) and not allowed
// for the operator or function.
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
