package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// readPlan says what a Query or a Scan reads. It is complete before the first
// item is read.
type readPlan struct {
	table      *store.Table
	def        *store.Definition
	index      *store.Index // nil for the table itself
	lower      []byte
	upper      []byte
	reverse    bool
	limit      int // items to evaluate; 0 for no limit
	consistent bool
	filter     *expr.Condition
	projection *expr.Projection
	countOnly  bool
	fetch      bool // read whole items from the table: a local index lacks attributes
	asText     bool // items may stay JSON
}

// verbatim reports whether items are returned as they are stored, without
// decoding them.
func (p *readPlan) verbatim() bool {
	return p.asText && p.filter == nil && p.projection == nil && !p.countOnly && !p.fetch
}

// key returns the key schema of the index, or of the table without one.
func (p *readPlan) key() store.KeySchema {
	if p.index != nil {
		return p.index.Key
	}
	return p.def.Key
}

// position returns the store key of an item in the index or the table.
func (p *readPlan) position(item attr.Item) []byte {
	if p.index != nil {
		return p.def.Entry(p.index, item)
	}
	return p.def.Row(item)
}

// evaluatedKey returns the LastEvaluatedKey for an item: its primary key and,
// in an index, the index's key.
func (p *readPlan) evaluatedKey(item attr.Item) attr.Item {
	key := keyOf(p.def, item)
	for _, a := range p.key().Attributes() {
		key[a.Name] = item[a.Name]
	}
	return key
}

// newReadPlan finds the table and the index, and returns a plan that reads all.
func (e *Engine) newReadPlan(ctx context.Context, table string, o *readOptions, x readExpressions) (*readPlan, error) {
	t, err := e.findItemTable(ctx, table)
	if err != nil {
		return nil, err
	}
	p := &readPlan{
		table:      t,
		def:        t.Definition(),
		consistent: o.ConsistentRead,
		filter:     x.filter,
		projection: x.projection,
	}
	if err := errors.Join(checkProjection(p.def, x.projection), checkCondition(p.def, x.filter)); err != nil {
		return nil, err
	}
	if o.Limit != nil {
		p.limit = int(*o.Limit)
	}
	if o.IndexName != nil {
		p.index = p.def.Index(*o.IndexName)
		switch {
		case p.index == nil:
			return nil, invalid("The table does not have the specified index: %s", *o.IndexName)
		case p.index.Filling || e.pending.has(t, p.index.Name):
			return nil, invalid("Cannot read from backfilling global secondary index: %s", *o.IndexName)
		case !p.index.Local && o.ConsistentRead:
			return nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
	}
	return p, nil
}

// applySelect decides which attributes are returned, and whether a local index
// must read them from the table.
func (p *readPlan) applySelect(o *readOptions) error {
	selection, parameter := o.Select, "ProjectionExpression"
	if o.AttributesToGet != nil {
		parameter = "AttributesToGet"
	}
	switch {
	case selection == "" || selection == selectSpecific:
		if selection == selectSpecific && p.projection == nil {
			return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
	case p.projection != nil:
		return invalid("Cannot specify the %s when choosing to get %s", parameter, selection)
	case selection == selectProjected && p.index == nil:
		return invalidParameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case selection == selectCount:
		p.countOnly = true
	case selection == selectAll && p.index != nil && p.index.Projection != store.ProjectAll:
		if !p.index.Local {
			return invalidParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", p.index.Name)
		}
		p.fetch = true
	}
	return p.applyProjection()
}

// applyProjection checks a projection on an index. A global index must hold all
// its attributes; for a local one, the others are read from the table.
func (p *readPlan) applyProjection() error {
	if p.index == nil || p.projection == nil {
		return nil
	}
	var missing []string
	for _, path := range p.projection.Paths() {
		name := path.Attribute()
		if !p.def.Projects(p.index, name) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	switch {
	case missing == nil:
		return nil
	case p.index.Local:
		p.fetch = true
		return nil
	}
	return invalidParameter("Global secondary index %s does not project [%s]", p.index.Name, strings.Join(missing, ", "))
}

// startAfter moves the bounds so that the read continues after
// ExclusiveStartKey. inside returns an error if the key's position is not
// allowed.
func (p *readPlan) startAfter(start attr.Item, inside func(position []byte) error) error {
	if start == nil {
		return nil
	}
	want := make(map[string]store.KeyAttribute, 4)
	for _, a := range slices.Concat(p.def.Key.Attributes(), p.key().Attributes()) {
		want[a.Name] = a
	}
	if len(start) != len(want) {
		return invalid("The provided starting key is invalid")
	}
	for name, a := range want {
		v, ok := start[name]
		if !ok {
			return invalid("The provided starting key is invalid")
		}
		if !a.Accepts(v) {
			return invalid("The provided starting key is invalid: The provided key element does not match the schema")
		}
	}
	position := p.position(start)
	if err := inside(position); err != nil {
		return err
	}
	if p.reverse {
		p.upper = position
	} else {
		p.lower = append(position, 0)
	}
	return nil
}

// contains reports whether a store key lies within the plan's bounds.
func (p *readPlan) contains(position []byte) bool {
	return bytes.Compare(position, p.lower) >= 0 && (p.upper == nil || bytes.Compare(position, p.upper) < 0)
}

// bind sets the bounds by a key condition. It needs equality on every attribute
// of the partition key and on the first attributes of the sort key, without a
// gap; only the last of them may have another operator.
func (p *readPlan) bind(condition expr.KeyCondition) error {
	key := p.key()
	if most := len(key.Attributes()); len(condition) > most {
		return invalid("The number of query conditions (%d) exceeds the number of key attributes defined in the schema (%d)",
			len(condition), most)
	}
	terms := make(map[string]*expr.KeyTerm, len(condition))
	for i, term := range condition {
		terms[term.Attribute] = &condition[i]
	}
	var hash []attr.Value
	for _, a := range key.Hashes() {
		term := terms[a.Name]
		switch {
		case term == nil:
			return invalid("Query condition missed key schema element: %s", a.Name)
		case term.Op != expr.Eq:
			return invalid("Query key condition not supported")
		}
		if err := checkOperands(a, term, false); err != nil {
			return err
		}
		hash = append(hash, term.Args[0])
	}
	prefix := store.Partition(hash...)
	p.lower, p.upper = prefix, store.After(prefix)
	rest := len(condition) - len(hash)
	for _, a := range key.Ranges() {
		if rest == 0 {
			break
		}
		term := terms[a.Name]
		switch {
		case term == nil:
			return invalid("Query condition missed key schema element: %s", a.Name)
		case term.Op != expr.Eq && rest > 1:
			return invalid("Query key condition not supported")
		}
		if err := checkOperands(a, term, true); err != nil {
			return err
		}
		if rest--; rest == 0 {
			p.narrow(prefix, term)
			return nil
		}
		prefix = attr.AppendKey(slices.Clone(prefix), term.Args[0])
		p.lower, p.upper = prefix, store.After(prefix)
	}
	return nil
}

func checkOperands(a store.KeyAttribute, term *expr.KeyTerm, isRange bool) error {
	for _, v := range term.Args {
		if !a.Accepts(v) {
			return invalidParameter("Condition parameter type does not match schema type")
		}
		if err := checkKeyValue(a.Name, v, isRange); err != nil {
			return err
		}
	}
	return nil
}

// narrow sets the bounds among the keys that begin with prefix by a condition
// on the next attribute of the sort key.
func (p *readPlan) narrow(prefix []byte, term *expr.KeyTerm) {
	at := func(v attr.Value) []byte { return attr.AppendKey(slices.Clone(prefix), v) }
	first := at(term.Args[0])
	switch term.Op {
	case expr.Eq:
		p.lower, p.upper = first, store.After(first)
	case expr.LT:
		p.upper = first
	case expr.LE:
		p.upper = store.After(first)
	case expr.GT:
		p.lower = store.After(first)
	case expr.GE:
		p.lower = first
	case expr.Between:
		p.lower, p.upper = first, store.After(at(term.Args[1]))
	case expr.BeginsWith:
		begin := attr.AppendKeyPrefix(slices.Clone(prefix), term.Args[0])
		p.lower, p.upper = begin, store.After(begin)
	}
}
