package dynamodb

import (
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// TableState describes a table for the inspector page. It holds no item.
type TableState struct {
	Name string
	ARN  string
	// Status is ACTIVE, or CREATING or UPDATING while the table or an index is
	// being created.
	Status string
	Items  int64
	Bytes  int64  // by DynamoDB's item sizes
	Key    string // such as "room (S), at (N)"
	Expiry string // the attribute with the expiry time, or empty
	// Stream is the stream's view type, or empty.
	Stream  string
	Indexes []IndexState
}

// IndexState describes a secondary index for the inspector page.
type IndexState struct {
	Name       string
	Local      bool
	Key        string
	Projection string // ALL, KEYS_ONLY or INCLUDE
	Filling    bool   // entries of existing items are still being added
	Items      int64
	Bytes      int64
}

// Tables returns the state of every table, in order of name.
func (e *Engine) Tables() ([]TableState, error) {
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []TableState
	for _, name := range e.store.Names() {
		t, err := e.store.Table(name)
		if errors.Is(err, store.ErrNoTable) {
			continue // deleted since Names
		}
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
		state, err := e.state(t)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
		out = append(out, state)
	}
	return out, nil
}

func (e *Engine) state(t *store.Table) (TableState, error) {
	def := t.Definition()
	totals, err := e.store.Totals(t, nil)
	if err != nil {
		return TableState{}, err
	}
	out := TableState{
		Name:   def.Name,
		ARN:    e.tableARN(def.Name),
		Status: e.tableStatus(t, def),
		Items:  totals.Items,
		Bytes:  totals.Bytes,
		Key:    describeKey(def.Key),
		Expiry: def.TTL,
	}
	if def.Stream != nil && def.Stream.Enabled {
		out.Stream = def.Stream.View
	}
	for _, x := range def.Indexes {
		totals, err := e.store.Totals(t, x)
		if err != nil {
			return TableState{}, err
		}
		out.Indexes = append(out.Indexes, IndexState{
			Name:       x.Name,
			Local:      x.Local,
			Key:        describeKey(x.Key),
			Projection: x.Projection,
			Filling:    x.Filling,
			Items:      totals.Items,
			Bytes:      totals.Bytes,
		})
	}
	return out, nil
}

// Peek returns up to limit items of a table, each as DynamoDB JSON, in the
// order of a Scan. It consumes no capacity and emits no event. It returns an
// error if the table does not exist.
func (e *Engine) Peek(table string, limit int) (items []string, err error) {
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	t, err := e.store.Table(table)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", table, err)
	}
	view, err := e.store.View(t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	rows, err := view.Rows(store.Range{Table: t})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for len(items) < limit && rows.Next() {
		item, err := rows.Item()
		if err != nil {
			return nil, err
		}
		items = append(items, item.String())
	}
	return items, nil
}
