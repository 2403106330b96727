package dynamodb

import (
	"context"
	"fmt"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/partiql"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// Limits of PartiQL (API reference).
const (
	maxStatement       = 8192 // characters
	maxBatchStatements = 25
)

// statementInput is one statement of any of the three PartiQL operations.
type statementInput struct {
	Statement                           *string
	Parameters                          []attr.Value
	ConsistentRead                      bool
	ReturnValuesOnConditionCheckFailure string
}

func (in *statementInput) check(c *checks, member string) {
	c.required(member+"statement", in.Statement != nil)
	c.length(member+"statement", in.Statement, 1, maxStatement)
	if in.Parameters != nil {
		c.count(member+"parameters", len(in.Parameters), 1, 0)
	}
	c.oneOf(member+"returnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure,
		returnAllOld, returnNone)
}

// statement is a parsed statement and its table.
type statement struct {
	*partiql.Statement
	table      *store.Table
	def        *store.Definition
	consistent bool
	onFailure  string
}

func (e *Engine) readStatement(ctx context.Context, in *statementInput) (*statement, error) {
	parsed, err := partiql.Parse(*in.Statement, in.Parameters)
	if err != nil {
		return nil, err
	}
	return e.bindStatement(ctx, in, parsed)
}

// bindStatement finds the table of a parsed statement.
func (e *Engine) bindStatement(ctx context.Context, in *statementInput, parsed *partiql.Statement) (*statement, error) {
	t, err := e.findItemTable(ctx, parsed.Table)
	if err != nil {
		return nil, err
	}
	return &statement{parsed, t, t.Definition(), in.ConsistentRead, in.ReturnValuesOnConditionCheckFailure}, nil
}

// key returns the primary key that the WHERE clause names, and the other
// conditions of the clause. ok is false if the clause does not set every key
// attribute to one value.
func (s *statement) key() (key attr.Item, rest []partiql.Condition, ok bool) {
	key = make(attr.Item, 2)
	for _, c := range partiql.Conjuncts(s.Where) {
		name, v, isEquality := equality(c)
		if _, again := key[name]; isEquality && s.def.Key.Has(name) && !again {
			key[name] = v
			continue
		}
		rest = append(rest, c)
	}
	return key, rest, len(key) == len(s.def.Key.Attributes())
}

// equality returns the attribute and the value of a condition of the form
// attribute = value. ok is false for any other condition.
func equality(c partiql.Condition) (name string, v attr.Value, ok bool) {
	compare, isCompare := c.(partiql.Compare)
	if !isCompare || compare.Op != "=" {
		return "", attr.Value{}, false
	}
	left, right := compare.Left, compare.Right
	if _, swapped := left.(partiql.Value); swapped {
		left, right = right, left
	}
	path, isPath := left.(partiql.Path)
	value, isValue := right.(partiql.Value)
	if !isPath || !isValue || len(path.Path) != 1 {
		return "", attr.Value{}, false
	}
	return path.Attribute(), value.Value, true
}

// write plans the mutation of a statement that writes, or of an EXISTS. update
// is nil unless the statement is an UPDATE.
func (s *statement) write() (m store.Mutation, update *expr.Update, err error) {
	if s.Kind == partiql.Insert {
		if m, err = planPut(s.table, s.Item, guard{}); err == nil {
			m.Decide = unlessExists(m.Decide)
		}
		return m, nil, err
	}
	key, rest, ok := s.key()
	if !ok {
		return m, nil, invalid("Where clause does not contain a mandatory equality on all key attributes")
	}
	if s.Kind != partiql.Delete {
		// The item must exist: unlike UpdateItem, UPDATE creates none.
		hash := partiql.Path{Path: expr.Path{{Name: s.def.Key.Hash.Name}}}
		rest = append(rest, partiql.Call{Name: "attribute_exists", Args: []partiql.Operand{hash}})
	}
	var w partiql.Writer
	var cond, change *string
	if len(rest) > 0 {
		text := w.Condition(rest...)
		cond = &text
	}
	if s.Kind == partiql.Update {
		text := w.Update(s.Sets)
		change = &text
	}
	update, g, err := parseUpdate(placeholders{w.Names, w.Values}, change, cond, s.onFailure)
	if err != nil {
		return m, nil, err
	}
	switch s.Kind {
	case partiql.Delete:
		if m, err = planDelete(s.table, key, g); err == nil {
			m.Decide = ifExists(m.Decide)
		}
	case partiql.Exists:
		m, err = planCheck(s.table, key, g)
	default:
		m, err = planUpdate(s.table, key, update, g)
	}
	return m, update, err
}

// ifExists changes a mutation so that it does nothing, and checks no condition,
// if the item does not exist.
func ifExists(decide decision) decision {
	return func(old attr.Item) (attr.Item, store.Action, error) {
		if old == nil {
			return nil, store.Keep, nil
		}
		return decide(old)
	}
}

// unlessExists changes a mutation so that it fails if the item exists.
func unlessExists(decide decision) decision {
	return func(old attr.Item) (attr.Item, store.Action, error) {
		if old != nil {
			return nil, store.Keep, clientError("DuplicateItemException", "Duplicate primary key exists in table")
		}
		return decide(old)
	}
}

// returned returns the attributes that RETURNING asks for.
func (s *statement) returned(update *expr.Update, c store.Change) []attr.Item {
	var item attr.Item
	switch s.Returning {
	case returnAllOld:
		item = c.Old
	case returnAllNew:
		item = c.New
	case returnUpdatedOld:
		item = update.UpdatedOld(c.Old)
	case returnUpdatedNew:
		item = update.UpdatedNew(c.New)
	}
	if len(item) == 0 {
		return []attr.Item{}
	}
	return []attr.Item{item}
}

// columns returns the columns of a SELECT from an item. A nested attribute gets
// the last name of its path.
func (s *statement) columns(item attr.Item) attr.Item {
	if s.Columns == nil || item == nil {
		return item
	}
	out := make(attr.Item, len(s.Columns))
	for _, path := range s.Columns {
		if v, ok := path.Lookup(item); ok {
			out[columnName(path)] = v
		}
	}
	return out
}

// columnName returns the last name of a path and the indexes after it.
func columnName(path expr.Path) string {
	name := ""
	for _, step := range path {
		if step.IsIndex {
			name += fmt.Sprintf("[%d]", step.Index)
		} else {
			name = step.Name
		}
	}
	return name
}
