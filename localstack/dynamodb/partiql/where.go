package partiql

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

func (p *parser) where() Condition {
	if !p.word("WHERE") {
		return nil
	}
	return p.or()
}

func (p *parser) or() Condition {
	defer p.deeper()()
	left := p.and()
	for p.word("OR") {
		left = Or{left, p.and()}
	}
	return left
}

func (p *parser) and() Condition {
	left := p.not()
	for p.word("AND") {
		left = And{left, p.not()}
	}
	return left
}

func (p *parser) not() Condition {
	if p.word("NOT") {
		defer p.deeper()()
		return Not{p.not()}
	}
	return p.test()
}

// tests holds the functions that are conditions, with their numbers of
// operands.
var tests = map[string]int{"begins_with": 2, "contains": 2, "attribute_type": 2}

func (p *parser) test() Condition {
	if p.accept("(") {
		inner := p.or()
		p.expect(")")
		return inner
	}
	for name, operands := range tests {
		if p.acceptCall(name) {
			return p.call(name, operands)
		}
	}
	left := p.operand()
	t := p.peek()
	switch {
	case t.kind == tokPunct && strings.Contains(" = <> != < <= > >= ", " "+t.text+" "):
		p.next()
		op := t.text
		if op == "!=" {
			op = "<>"
		}
		return Compare{op, left, p.operand()}
	case p.word("BETWEEN"):
		low := p.operand()
		p.expectWord("AND")
		return Between{left, low, p.operand()}
	case p.word("NOT", "IN"):
		return Not{p.in(left)}
	case p.word("IN"):
		return p.in(left)
	case p.word("IS"):
		return p.is(left)
	}
	p.unexpected()
	return Not{}
}

func (p *parser) call(name string, operands int) Condition {
	c := Call{Name: name, Args: []Operand{p.operand()}}
	for p.accept(",") {
		c.Args = append(c.Args, p.operand())
	}
	p.expect(")")
	if len(c.Args) != operands {
		p.fail("The function %s takes %d operands", name, operands)
	}
	return c
}

// in parses a list in brackets or parentheses, or one parameter that is the
// whole list.
func (p *parser) in(of Operand) Condition {
	c := In{Of: of}
	if p.accept("?") {
		for e := range p.parameter().Elements() {
			c.List = append(c.List, Value{e})
		}
		return c
	}
	end := "]"
	if !p.accept("[") {
		p.expect("(")
		end = ")"
	}
	c.List = append(c.List, p.operand())
	for p.accept(",") {
		c.List = append(c.List, p.operand())
	}
	p.expect(end)
	return c
}

// is parses MISSING or NULL after IS, or the negation with NOT.
func (p *parser) is(of Operand) Condition {
	not := p.word("NOT")
	if _, isPath := of.(Path); !isPath {
		p.fail("IS needs the name of an attribute")
	}
	switch {
	case p.word("MISSING"):
		if not {
			return Call{"attribute_exists", []Operand{of}}
		}
		return Call{"attribute_not_exists", []Operand{of}}
	case p.word("NULL"):
		null := Call{"attribute_type", []Operand{of, Value{attr.String("NULL")}}}
		if not {
			return Not{null}
		}
		return null
	}
	p.unexpected()
	return Not{}
}

func (p *parser) operand() Operand {
	if p.acceptCall("size") {
		of := Path{p.path()}
		p.expect(")")
		return Size{of}
	}
	t := p.peek()
	switch {
	case p.accept("?"):
		return Value{p.parameter()}
	case t.kind == tokQuoted, t.kind == tokWord && !isLiteral(t.text):
		return Path{p.path()}
	}
	return Value{p.literal()}
}

func isLiteral(word string) bool {
	switch strings.ToUpper(word) {
	case "TRUE", "FALSE", "NULL":
		return true
	}
	return false
}

// parameter returns the value for the ? that was consumed.
func (p *parser) parameter() attr.Value {
	p.used++
	if p.anyParameters {
		return attr.Null()
	}
	if p.used > len(p.parameters) {
		if p.err == nil {
			p.err = attr.Invalidf("Number of parameters in request and statement don't match.")
		}
		p.at = len(p.tokens) - 1
		return attr.Null()
	}
	return p.parameters[p.used-1]
}

func (p *parser) literal() attr.Value {
	defer p.deeper()()
	t := p.next()
	switch {
	case t.kind == tokString:
		return attr.String(t.text)
	case t.kind == tokNumber:
		return p.number(t.text)
	case t.kind == tokPunct && (t.text == "-" || t.text == "+"):
		n := p.next()
		if n.kind == tokNumber {
			return p.number(t.text + n.text)
		}
	case t.kind == tokWord && isLiteral(t.text):
		if strings.EqualFold(t.text, "NULL") {
			return attr.Null()
		}
		return attr.Bool(strings.EqualFold(t.text, "TRUE"))
	case t.kind == tokPunct && t.text == "[":
		return attr.List(p.elements("]")...)
	case t.kind == tokPunct && t.text == "<<":
		return p.setOf(p.elements(">>"))
	case t.kind == tokPunct && t.text == "{":
		return p.mapLiteral()
	case t.kind == tokPunct && t.text == "?":
		return p.parameter()
	}
	if t.kind != tokEnd {
		p.at--
	}
	p.unexpected()
	return attr.Null()
}

func (p *parser) number(text string) attr.Value {
	n, err := attr.ParseNumber(text)
	if err != nil && p.err == nil {
		p.err = err
		p.at = len(p.tokens) - 1
	}
	return attr.Num(n)
}

func (p *parser) elements(end string) []attr.Value {
	var out []attr.Value
	if p.accept(end) {
		return out
	}
	out = append(out, p.literal())
	for p.accept(",") {
		out = append(out, p.literal())
	}
	p.expect(end)
	return out
}

// setOf returns the set with these members. The first member decides its type.
func (p *parser) setOf(members []attr.Value) attr.Value {
	kind := attr.SS
	if len(members) > 0 {
		switch members[0].Kind() {
		case attr.N:
			kind = attr.NS
		case attr.B:
			kind = attr.BS
		}
	}
	set, err := attr.Set(kind, members...)
	if err != nil && p.err == nil {
		p.err = err
		p.at = len(p.tokens) - 1
	}
	return set
}

func (p *parser) mapLiteral() attr.Value {
	fields := make(map[string]attr.Value)
	if p.accept("}") {
		return attr.Map(fields)
	}
	for {
		t := p.next()
		if t.kind != tokString && t.kind != tokQuoted {
			p.fail("Expected the name of a field in quotes")
		}
		p.expect(":")
		fields[t.text] = p.literal()
		if !p.accept(",") {
			break
		}
	}
	p.expect("}")
	return attr.Map(fields)
}
