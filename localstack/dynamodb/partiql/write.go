package partiql

import (
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
)

// Writer writes parts of statements as DynamoDB expressions that share
// placeholders. The zero Writer is ready to use.
type Writer struct {
	Names  expr.Names
	Values expr.Values
	text   strings.Builder
	byName map[string]string
}

// Condition returns a condition expression that is true if all conditions are
// true. It returns "" if there are none.
func (w *Writer) Condition(conditions ...Condition) string {
	w.text.Reset()
	for i, c := range conditions {
		if i > 0 {
			w.text.WriteString(" AND ")
		}
		w.part(c, levelAnd)
	}
	return w.text.String()
}

// Update returns an update expression for the sets.
func (w *Writer) Update(sets []Set) string {
	w.text.Reset()
	for _, section := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		separator := section + " "
		for _, s := range sets {
			if s.Action != section {
				continue
			}
			w.text.WriteString(separator)
			separator = ", "
			w.path(s.Path)
			if s.Action == "SET" {
				w.text.WriteString(" =")
			}
			if s.Value != nil {
				w.text.WriteByte(' ')
				s.Value.writeSource(w)
			}
		}
		w.text.WriteByte(' ')
	}
	return w.text.String()
}

// part writes a condition inside another one of the given level, in parentheses
// if its precedence is lower.
func (w *Writer) part(c Condition, level int) {
	if c.level() >= level {
		c.write(w)
		return
	}
	w.text.WriteByte('(')
	c.write(w)
	w.text.WriteByte(')')
}

func (w *Writer) path(p expr.Path) {
	for i, s := range p {
		if s.IsIndex {
			fmt.Fprintf(&w.text, "[%d]", s.Index)
			continue
		}
		if i > 0 {
			w.text.WriteByte('.')
		}
		w.text.WriteString(w.name(s.Name))
	}
}

func (w *Writer) name(name string) string {
	if placeholder, ok := w.byName[name]; ok {
		return placeholder
	}
	if w.Names == nil {
		w.Names, w.byName = make(expr.Names), make(map[string]string)
	}
	placeholder := fmt.Sprintf("#%d", len(w.Names))
	w.Names[placeholder], w.byName[name] = name, placeholder
	return placeholder
}

func (w *Writer) value(v attr.Value) {
	if w.Values == nil {
		w.Values = make(expr.Values)
	}
	placeholder := fmt.Sprintf(":%d", len(w.Values))
	w.Values[placeholder] = v
	w.text.WriteString(placeholder)
}

func (w *Writer) binary(left Condition, op string, right Condition, level int) {
	w.part(left, level)
	w.text.WriteString(op)
	w.part(right, level)
}

func (w *Writer) list(operands []Operand) {
	w.text.WriteByte('(')
	for i, o := range operands {
		if i > 0 {
			w.text.WriteString(", ")
		}
		o.writeOperand(w)
	}
	w.text.WriteByte(')')
}

func (c And) write(w *Writer) { w.binary(c.Left, " AND ", c.Right, levelAnd) }
func (c Or) write(w *Writer)  { w.binary(c.Left, " OR ", c.Right, levelOr) }

func (c Not) write(w *Writer) {
	w.text.WriteString("NOT ")
	w.part(c.Of, levelNot)
}

func (c Compare) write(w *Writer) {
	c.Left.writeOperand(w)
	w.text.WriteString(" " + c.Op + " ")
	c.Right.writeOperand(w)
}

func (c Between) write(w *Writer) {
	c.Of.writeOperand(w)
	w.text.WriteString(" BETWEEN ")
	c.Low.writeOperand(w)
	w.text.WriteString(" AND ")
	c.High.writeOperand(w)
}

func (c In) write(w *Writer) {
	c.Of.writeOperand(w)
	w.text.WriteString(" IN ")
	w.list(c.List)
}

func (c Call) write(w *Writer) {
	w.text.WriteString(c.Name)
	w.list(c.Args)
}

func (p Path) writeOperand(w *Writer)  { w.path(p.Path) }
func (v Value) writeOperand(w *Writer) { w.value(v.Value) }
func (s Size) writeOperand(w *Writer) {
	w.text.WriteString("size(")
	w.path(s.Of.Path)
	w.text.WriteByte(')')
}

func (p Path) writeSource(w *Writer)  { p.writeOperand(w) }
func (v Value) writeSource(w *Writer) { v.writeOperand(w) }

func (s sum) writeSource(w *Writer) {
	s.left.writeOperand(w)
	w.text.WriteString(" " + s.op + " ")
	s.right.writeOperand(w)
}

func (l listAppend) writeSource(w *Writer) {
	w.text.WriteString("list_append")
	w.list([]Operand{l.left, l.right})
}
