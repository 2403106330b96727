package expr

import (
	"encoding/base64"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// ParseCondition parses a condition. Errors contain the name of the field,
// ConditionExpression or FilterExpression.
func (c *Context) ParseCondition(field, src string) (*Condition, error) {
	p, root, err := c.parseCondition(field, src)
	if err != nil {
		return nil, err
	}
	return &Condition{root: root, paths: p.paths}, nil
}

func (c *Context) parseCondition(field, src string) (*parser, cond, error) {
	p, err := c.newParser(field, src, "AND", "OR", "NOT", "BETWEEN", "IN")
	if err != nil {
		return nil, nil, err
	}
	root := p.asCond(p.or())
	p.expectEnd()
	return p, root, p.finish()
}

// term is the part of a condition between two operators. It is a condition or
// an operand; parentheses and function calls can be either.
type term struct {
	cond     cond
	operand  operand
	function string // the function's name, if the term is a call
	parens   bool   // the term is in parentheses
}

// invalidCond takes the place of a condition after a mistake. It is never
// evaluated, because the expression is refused.
type invalidCond struct{}

func (invalidCond) holds(attr.Item) bool { return false }
func (invalidCond) operator() string     { return "" }

// asCond returns the term as a condition. Another term is a mistake.
func (p *parser) asCond(t term) cond {
	switch {
	case t.cond != nil:
		return t.cond
	case t.function != "":
		p.misused(t.function)
	default:
		p.syntaxError()
	}
	return invalidCond{}
}

// asOperand returns the term as an operand. Another term is a mistake.
func (p *parser) asOperand(t term) operand {
	switch {
	case t.operand != nil:
		return t.operand
	case t.function != "":
		p.misused(t.function)
	default:
		p.syntaxError()
	}
	return valueOperand{}
}

func (p *parser) misused(function string) {
	p.refusef(phaseMisuse, "The function is not allowed to be used this way in an expression; function: %s", function)
}

func (p *parser) or() term {
	left := p.and()
	for p.keyword(p.peek()) == "OR" {
		l := p.asCond(left)
		p.next()
		p.operator()
		left = term{cond: orCond{l, p.asCond(p.and())}}
	}
	return left
}

func (p *parser) and() term {
	left := p.not()
	for p.keyword(p.peek()) == "AND" {
		l := p.asCond(left)
		p.next()
		p.operator()
		left = term{cond: andCond{l, p.asCond(p.not())}}
	}
	return left
}

func (p *parser) not() term {
	if !p.acceptKeyword("NOT") {
		return p.comparison()
	}
	p.operator()
	return term{cond: notCond{p.asCond(p.not())}}
}

func (p *parser) comparison() term {
	left := p.primary()
	t := p.peek()
	switch {
	case t.kind == tokPunct && isComparator(t.text):
		of := p.asOperand(left)
		p.next()
		p.operator()
		return term{cond: p.compare(t.text, of, p.asOperand(p.primary()))}
	case p.keyword(t) == "BETWEEN":
		of := p.asOperand(left)
		p.next()
		p.operator()
		low := p.asOperand(p.primary())
		if !p.acceptKeyword("AND") {
			p.syntaxError()
		}
		return term{cond: p.between(of, low, p.asOperand(p.primary()))}
	case p.keyword(t) == "IN":
		of := p.asOperand(left)
		p.next()
		p.operator()
		return term{cond: p.in(of)}
	}
	return left
}

func isComparator(punct string) bool {
	switch punct {
	case "=", "<>", "<", "<=", ">", ">=":
		return true
	}
	return false
}

func (p *parser) primary() term {
	switch {
	case p.accept("("):
		inner := p.or()
		p.expect(")")
		if inner.parens {
			p.refusef(phaseParens, "The expression has redundant parentheses;")
		}
		if of, isPath := inner.operand.(pathOperand); isPath && p.atPathStep() {
			return term{operand: pathOperand{p.extendPath(of.path)}}
		}
		inner.parens = true
		return inner
	case p.atCall():
		name, args := call(p, func() operand { return p.asOperand(p.primary()) })
		return p.function(name, args)
	case p.atPath():
		return term{operand: pathOperand{p.path()}}
	}
	return term{operand: valueOperand{p.value()}}
}

func (p *parser) compare(op string, left, right operand) cond {
	p.checkDistinct(op, left, right)
	if op != "=" && op != "<>" {
		p.checkOrdered(op, left, right)
	}
	return compareCond{op, left, right}
}

func (p *parser) between(of, low, high operand) cond {
	p.checkDistinct("BETWEEN", of, low, high)
	p.checkOrdered("BETWEEN", of, low, high)
	l, isValue := low.(valueOperand)
	h, areValues := high.(valueOperand)
	if isValue && areValues && l.kind() != 0 && h.kind() != 0 {
		const bounds = "; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}"
		order, sameType := attr.Compare(l.value, h.value)
		if !sameType {
			p.refusef(phaseOperands, "The BETWEEN operator requires same data type for lower and upper bounds"+bounds,
				l.kind(), show(l.value), h.kind(), show(h.value))
		} else if order > 0 {
			p.refusef(phaseOperands, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"+bounds,
				l.kind(), show(l.value), h.kind(), show(h.value))
		}
	}
	return betweenCond{of, low, high}
}

// show returns the content of an S, N or B for a message.
func show(v attr.Value) string {
	switch v.Kind() {
	case attr.N:
		return v.Number().String()
	case attr.B:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	}
	return v.Text()
}

func (p *parser) in(of operand) cond {
	p.expect("(")
	list := []operand{p.asOperand(p.primary())}
	for p.accept(",") {
		list = append(list, p.asOperand(p.primary()))
	}
	p.expect(")")
	if len(list) > maxIn {
		p.refusef(phaseOperands, "The IN operator is provided with too many operands; number of operands: %d", len(list))
	}
	p.checkDistinct("IN", of, list...)
	return inCond{of, list}
}

// checkDistinct refuses a comparison of an attribute with itself.
func (p *parser) checkDistinct(operator string, first operand, rest ...operand) {
	a, ok := first.(pathOperand)
	if !ok {
		return
	}
	for _, o := range rest {
		if b, ok := o.(pathOperand); ok && a.path.Equal(b.path) {
			p.refusef(phaseOperands, "The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", operator, a.path)
		}
	}
}

// checkOrdered refuses operands of types that have no order.
func (p *parser) checkOrdered(operator string, operands ...operand) {
	for _, o := range operands {
		p.checkKind(phaseOperands, operator, o.kind(), attr.S, attr.N, attr.B)
	}
}
