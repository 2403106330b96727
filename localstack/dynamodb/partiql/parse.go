package partiql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
)

// maxNesting bounds the nesting of conditions and literals, and so the depth of
// the recursion.
const maxNesting = 64

// Parse parses a statement. Each ? in it is replaced by the next parameter. The
// error is an [*attr.ValidationError].
func Parse(statement string, parameters []attr.Value) (*Statement, error) {
	p := &parser{tokens: lex(statement), parameters: parameters}
	s := p.statement()
	p.accept(";")
	if p.peek().kind != tokEnd {
		p.unexpected()
	}
	if p.err == nil && p.used != len(parameters) {
		p.err = attr.Invalidf("Number of parameters in request and statement don't match.")
	}
	if p.err != nil {
		return nil, p.err
	}
	return s, nil
}

// TableOf returns the table of a statement without its parameters. It returns
// "" if the statement cannot be parsed.
func TableOf(statement string) string {
	p := &parser{tokens: lex(statement), anyParameters: true}
	if s := p.statement(); p.err == nil {
		return s.Table
	}
	return ""
}

// parser is a recursive descent parser. After the first mistake it moves to the
// end of the statement, so that every rule returns.
type parser struct {
	tokens     []token
	at         int // the position in tokens
	parameters []attr.Value
	used       int // the number of ? so far
	// anyParameters replaces every parameter by NULL.
	anyParameters bool
	nesting       int
	err           error // the first mistake
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = attr.Invalidf("Statement wasn't well formed, can't be processed: "+format, args...)
	}
	p.at = len(p.tokens) - 1
}

func (p *parser) unexpected() {
	switch t := p.peek(); t.kind {
	case tokEnd:
		p.fail("Unexpected end of statement")
	case tokString, tokNumber:
		p.fail("Unexpected literal") // messages do not contain data
	default:
		p.fail("Unexpected token %s", t.text)
	}
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

func (p *parser) accept(punct string) bool {
	t := p.peek()
	if t.kind != tokPunct || t.text != punct {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(punct string) {
	if !p.accept(punct) {
		p.unexpected()
	}
}

// word consumes one or several keywords, in any case, if they are next.
func (p *parser) word(words ...string) bool {
	for i, w := range words {
		if p.at+i >= len(p.tokens) || p.tokens[p.at+i].kind != tokWord || !strings.EqualFold(p.tokens[p.at+i].text, w) {
			return false
		}
	}
	p.at += len(words)
	return true
}

func (p *parser) expectWord(words ...string) {
	if !p.word(words...) {
		p.unexpected()
	}
}

// deeper enters a level of nesting, which leave ends.
func (p *parser) deeper() (leave func()) {
	p.nesting++
	if p.nesting > maxNesting {
		p.fail("The statement is nested too deeply")
	}
	return func() { p.nesting-- }
}

func (p *parser) statement() *Statement {
	switch {
	case p.word("SELECT"):
		return p.selection(Select)
	case p.word("EXISTS"):
		p.expect("(")
		p.expectWord("SELECT")
		s := p.selection(Exists)
		p.expect(")")
		return s
	case p.word("INSERT"):
		p.expectWord("INTO")
		s := &Statement{Kind: Insert, Table: p.identifier()}
		p.expectWord("VALUE")
		s.Item = p.item()
		return s
	case p.word("UPDATE"):
		s := &Statement{Kind: Update, Table: p.identifier()}
		s.Sets = p.sets()
		s.Where = p.where()
		s.Returning = p.returning("ALL", "MODIFIED")
		return s
	case p.word("DELETE"):
		p.expectWord("FROM")
		s := &Statement{Kind: Delete, Table: p.identifier()}
		s.Where = p.where()
		s.Returning = p.returning("ALL")
		if s.Returning != "" && s.Returning != "ALL_OLD" {
			p.fail("Delete statements can only return ALL OLD *")
		}
		return s
	}
	p.unexpected()
	return new(Statement)
}

func (p *parser) selection(kind Kind) *Statement {
	s := &Statement{Kind: kind}
	if !p.accept("*") {
		s.Columns = []expr.Path{p.path()}
		for p.accept(",") {
			s.Columns = append(s.Columns, p.path())
		}
	}
	p.expectWord("FROM")
	s.Table = p.identifier()
	if p.accept(".") {
		s.Index = p.identifier()
	}
	s.Where = p.where()
	if p.word("ORDER", "BY") {
		s.Order = &Order{Path: p.path()}
		if p.word("DESC") {
			s.Order.Descending = true
		} else {
			p.word("ASC")
		}
	}
	return s
}

func (p *parser) identifier() string {
	t := p.peek()
	if t.kind != tokWord && t.kind != tokQuoted || t.text == "" {
		p.unexpected()
		return ""
	}
	return p.next().text
}

// path parses a document path, for example a."b c"[2].
func (p *parser) path() expr.Path {
	path := expr.Path{{Name: p.identifier()}}
	for {
		switch {
		case p.accept("."):
			path = append(path, expr.Step{Name: p.identifier()})
		case p.accept("["):
			t := p.next()
			index, err := strconv.ParseInt(t.text, 10, 32)
			if t.kind != tokNumber || err != nil {
				p.fail("Expected the index of a list")
			}
			p.expect("]")
			path = append(path, expr.Step{Index: int(index), IsIndex: true})
		default:
			return path
		}
	}
}

func (p *parser) item() attr.Item {
	v := p.literal()
	item := make(attr.Item, v.Len())
	if p.err == nil && v.Kind() != attr.M && !p.anyParameters {
		p.fail("The value of an insert statement is an item")
	}
	for name, f := range v.Fields() {
		item[name] = f
	}
	return item
}

// returning parses a RETURNING clause with one of the scopes.
func (p *parser) returning(scopes ...string) string {
	if !p.word("RETURNING") {
		return ""
	}
	out := "ALL"
	switch {
	case p.word("ALL"):
	case slices.Contains(scopes, "MODIFIED") && p.word("MODIFIED"):
		out = "UPDATED"
	default:
		p.unexpected()
	}
	if p.word("OLD") {
		out += "_OLD"
	} else {
		p.expectWord("NEW")
		out += "_NEW"
	}
	p.expect("*")
	return out
}

// sets parses one or more SET and REMOVE clauses.
func (p *parser) sets() []Set {
	var out []Set
	for {
		var clause func() Set
		switch {
		case p.word("SET"):
			clause = p.set
		case p.word("REMOVE"):
			clause = func() Set { return Set{Action: "REMOVE", Path: p.path()} }
		case len(out) > 0:
			return out
		default:
			p.unexpected()
			return nil
		}
		out = append(out, clause())
		for p.accept(",") {
			out = append(out, clause())
		}
	}
}

func (p *parser) set() Set {
	s := Set{Action: "SET", Path: p.path()}
	p.expect("=")
	switch {
	case p.acceptCall("list_append"):
		left, right := p.pair()
		s.Value = listAppend{left, right}
		return s
	case p.acceptCall("set_add"):
		s.Action = "ADD"
	case p.acceptCall("set_delete"):
		s.Action = "DELETE"
	default:
		left := p.operand()
		s.Value, _ = left.(source)
		for _, op := range []string{"+", "-"} {
			if p.accept(op) {
				s.Value = sum{op, left, p.operand()}
				break
			}
		}
		if s.Value == nil {
			p.fail("A function is not allowed here")
		}
		return s
	}
	left, right := p.pair()
	of, isPath := left.(Path)
	members, isValue := right.(Value)
	if p.err == nil && (!isPath || !isValue || !of.Path.Equal(s.Path)) {
		p.fail("set_add and set_delete take the attribute that is set, and a set")
	}
	s.Value = members
	return s
}

// acceptCall consumes the name of a function and its opening parenthesis if
// they are next.
func (p *parser) acceptCall(name string) bool {
	following := p.tokens[min(p.at+1, len(p.tokens)-1)]
	if following.kind != tokPunct || following.text != "(" || !p.word(name) {
		return false
	}
	p.at++
	return true
}

// pair parses two arguments and the closing parenthesis.
func (p *parser) pair() (left, right Operand) {
	left = p.operand()
	p.expect(",")
	right = p.operand()
	p.expect(")")
	return left, right
}
