package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/partiql"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxPartitions bounds the partition key values that a SELECT lists.
const maxPartitions = 50

// selection is a planned SELECT. It reads the partitions that the WHERE clause
// names, or all items if it names none.
type selection struct {
	*statement
	key        store.KeySchema // of the table or the index
	partitions []attr.Value
	sort       *expr.KeyTerm
	filter     *expr.Condition
	reverse    bool
}

// position is where the next page of a SELECT starts. NextToken holds it.
type position struct {
	Partition int       `json:"p"`
	Start     attr.Item `json:"k,omitempty"` // the key of the last evaluated item
}

func (p position) token() (string, error) {
	text, err := json.Marshal(p)
	return base64.StdEncoding.EncodeToString(text), err
}

func readToken(token *string) (p position, err error) {
	if token == nil {
		return p, nil
	}
	text, err := base64.StdEncoding.DecodeString(*token)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || p.Partition < 0 {
		return p, invalid("Given NextToken is invalid")
	}
	return p, nil
}

// newSelection plans a SELECT. It takes the partitions and the range of the
// sort key from the WHERE clause and makes the other conditions a filter.
func newSelection(s *statement) (*selection, error) {
	out := &selection{statement: s, key: s.def.Key}
	if s.Index != "" {
		x := s.def.Index(s.Index)
		if x == nil {
			return nil, invalid("The table does not have the specified index: %s", s.Index)
		}
		out.key = x.Key
	}
	var rest []partiql.Condition
	for _, c := range partiql.Conjuncts(s.Where) {
		// A partition key of several attributes is not looked for: such an
		// index is read whole, and the conditions are the filter.
		if out.partitions == nil && out.key.MoreHash == nil {
			if out.partitions = out.hashValues(c); out.partitions != nil {
				continue
			}
		}
		rest = append(rest, c)
	}
	if out.partitions != nil {
		rest = out.takeSort(rest)
	}
	if len(rest) > 0 {
		var w partiql.Writer
		text := w.Condition(rest...)
		c, err := expr.NewContext(w.Names, w.Values)
		if err != nil {
			return nil, err
		}
		if out.filter, err = c.ParseCondition("FilterExpression", text); err != nil {
			return nil, err
		}
	}
	if len(out.partitions) > maxPartitions {
		return nil, invalid("A SELECT statement can list up to %d values of the partition key", maxPartitions)
	}
	return out, out.order()
}

// hashValues returns the values that a condition allows for the partition key,
// each once. The condition is an equality, an IN, or an OR of such conditions;
// for any other one, hashValues returns nil.
func (s *selection) hashValues(c partiql.Condition) []attr.Value {
	var values []attr.Value
	add := func(v attr.Value) bool {
		if !s.key.Hash.Accepts(v) {
			return false
		}
		if !slices.ContainsFunc(values, v.Equal) {
			values = append(values, v)
		}
		return true
	}
	switch c := c.(type) {
	case partiql.Or:
		left, right := s.hashValues(c.Left), s.hashValues(c.Right)
		if left == nil || right == nil {
			return nil
		}
		for _, v := range slices.Concat(left, right) {
			add(v)
		}
	case partiql.In:
		path, isPath := c.Of.(partiql.Path)
		if !isPath || len(path.Path) != 1 || path.Attribute() != s.key.Hash.Name {
			return nil
		}
		for _, o := range c.List {
			v, isValue := o.(partiql.Value)
			if !isValue || !add(v.Value) {
				return nil
			}
		}
	default:
		if name, v, ok := equality(c); !ok || name != s.key.Hash.Name || !add(v) {
			return nil
		}
	}
	return values
}

var sortOperators = map[string]expr.KeyOp{"=": expr.Eq, "<": expr.LT, "<=": expr.LE, ">": expr.GT, ">=": expr.GE}

// takeSort sets s.sort to the first condition on the sort key and returns the
// other conditions.
func (s *selection) takeSort(conditions []partiql.Condition) (rest []partiql.Condition) {
	for i, c := range conditions {
		if s.sort = s.sortTerm(c); s.sort != nil {
			return append(slices.Clone(conditions[:i]), conditions[i+1:]...)
		}
	}
	return conditions
}

func (s *selection) sortTerm(c partiql.Condition) *expr.KeyTerm {
	if s.key.Range == nil {
		return nil
	}
	var of partiql.Operand
	var args []partiql.Operand
	term := &expr.KeyTerm{Attribute: s.key.Range.Name}
	switch c := c.(type) {
	case partiql.Compare:
		of, args, term.Op = c.Left, []partiql.Operand{c.Right}, sortOperators[c.Op]
	case partiql.Between:
		of, args, term.Op = c.Of, []partiql.Operand{c.Low, c.High}, expr.Between
	case partiql.Call:
		if c.Name == "begins_with" {
			of, args, term.Op = c.Args[0], c.Args[1:], expr.BeginsWith
		}
	}
	path, isPath := of.(partiql.Path)
	if term.Op == 0 || !isPath || len(path.Path) != 1 || path.Attribute() != term.Attribute {
		return nil
	}
	for _, o := range args {
		v, isValue := o.(partiql.Value)
		if !isValue || !s.key.Range.Accepts(v.Value) {
			return nil
		}
		term.Args = append(term.Args, v.Value)
	}
	if term.Op == expr.Between {
		if order, _ := attr.Compare(term.Args[0], term.Args[1]); order > 0 {
			return nil // stays in the filter, which refuses it
		}
	}
	return term
}

// order applies the ORDER BY clause.
func (s *selection) order() error {
	if s.Order == nil {
		return nil
	}
	name := s.Order.Path.Attribute()
	switch {
	case len(s.Order.Path) > 1 || !s.key.Has(name):
		return invalid("Variable reference %s in ORDER BY clause must be part of the primary key", name)
	case s.Where == nil:
		return invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
	case s.partitions == nil:
		return invalid("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.")
	case name != s.key.Hash.Name:
		if len(s.partitions) > 1 {
			return invalid("ORDER BY the sort key takes one value of the partition key")
		}
		s.reverse = s.Order.Descending
	default:
		slices.SortFunc(s.partitions, func(a, b attr.Value) int {
			order, _ := attr.Compare(a, b)
			return order
		})
		if s.Order.Descending {
			slices.Reverse(s.partitions)
		}
	}
	return nil
}

// plan plans the read of one partition, or of all items.
func (s *selection) plan(ctx context.Context, e *Engine, at position, limit *int64) (*readPlan, error) {
	o := &readOptions{ConsistentRead: s.consistent, Limit: limit}
	if s.Index != "" {
		o.IndexName = &s.Index
	}
	p, err := e.newReadPlan(ctx, s.Table, o, readExpressions{filter: s.filter})
	if err != nil {
		return nil, err
	}
	if s.Columns != nil {
		var names []string
		for _, path := range s.Columns {
			if !slices.Contains(names, path.Attribute()) {
				names = append(names, path.Attribute())
			}
		}
		p.projection = expr.ProjectionOf(names...)
	}
	if err := p.applySelect(o); err != nil {
		return nil, err
	}
	p.projection = nil // run takes the columns from whole items
	p.reverse = s.reverse
	if s.partitions != nil {
		key := expr.KeyCondition{{
			Attribute: s.key.Hash.Name,
			Op:        expr.Eq,
			Args:      []attr.Value{s.partitions[at.Partition]},
		}}
		if s.sort != nil {
			key = append(key, *s.sort)
		}
		if err := p.bind(key); err != nil {
			return nil, err
		}
	}
	return p, p.startAfter(at.Start, func(row []byte) error {
		if !p.contains(row) {
			return invalid("Given NextToken is invalid")
		}
		return nil
	})
}

// run reads a page of at most 1 MB and limit items, starting at a position.
func (s *selection) run(ctx context.Context, e *Engine, at position,
	limit *int64) (items []attr.Item, m *meter, next *position, err error) {
	items, m = []attr.Item{}, &meter{table: s.def.Name}
	bytes := 0
	for ; at.Partition < max(1, len(s.partitions)); at = (position{Partition: at.Partition + 1}) {
		if bytes >= maxPage {
			return items, m, &at, nil
		}
		p, err := s.plan(ctx, e, at, limit)
		if err != nil {
			return nil, nil, nil, err
		}
		g, err := e.readPage(ctx, p)
		if err != nil {
			return nil, nil, nil, err
		}
		bytes += g.bytes
		for _, item := range g.items {
			items = append(items, s.columns(item))
		}
		g.charge(m, p)
		if g.last != nil {
			return items, m, &position{at.Partition, g.last}, nil
		}
		if limit != nil {
			left := *limit - int64(g.scanned)
			limit = &left
		}
	}
	return items, m, nil, nil
}

// getOne reads the item whose primary key the WHERE clause names.
func (s *statement) getOne(view *store.View) (item attr.Item, size int, err error) {
	key, rest, ok := s.key()
	if !ok || s.Index != "" {
		return nil, 0, invalid("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
	}
	if err := checkKey(s.def, key); err != nil {
		return nil, 0, err
	}
	if item, err = view.Get(s.table, s.def.Row(key)); err != nil || item == nil {
		return nil, 0, err
	}
	size = item.Size()
	if len(rest) > 0 {
		var w partiql.Writer
		text := w.Condition(rest...)
		c, err := expr.NewContext(w.Names, w.Values)
		if err != nil {
			return nil, 0, err
		}
		filter, err := c.ParseCondition("FilterExpression", text)
		if err != nil {
			return nil, 0, err
		}
		if holds, err := filter.Eval(item); err != nil || !holds {
			return nil, size, err
		}
	}
	return s.columns(item), size, nil
}

// view returns a snapshot of the tables of statements.
func (e *Engine) view(statements []*statement) (*store.View, error) {
	var tables []*store.Table
	for _, s := range statements {
		tables = append(tables, s.table)
	}
	return e.store.View(tables...)
}

// closeView closes a view and joins its error to *err.
func closeView(view *store.View, err *error) { *err = errors.Join(*err, view.Close()) }
