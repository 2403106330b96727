package dynamodb

import (
	"context"
	"errors"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxPage is the size of the items that one Query or Scan looks at, in bytes:
// the item that reaches it is the last of the page.
const maxPage = 1 << 20

// maxGuess bounds the memory that is taken, after the first item of a page, for
// the others, in bytes.
const maxGuess = 64 << 10

// page is what one Query or Scan found.
type page struct {
	items   []attr.Item
	written *answer // instead of items: an answer that they begin
	count   int
	scanned int
	bytes   int       // of what was looked at, before the filter
	fetched []int     // sizes of items that a local index took from the table
	last    attr.Item // LastEvaluatedKey, nil at the end
}

// readPage runs a plan on one state of the store.
func (e *Engine) readPage(ctx context.Context, p *readPlan) (out *page, err error) {
	view, err := e.store.View(p.table)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	rows, err := view.Rows(store.Range{
		Table:   p.table,
		Index:   p.index,
		Lower:   p.lower,
		Upper:   p.upper,
		Reverse: p.reverse,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()

	out = new(page)
	for rows.Next() {
		if p.verbatim() {
			err = out.copy(p, rows)
		} else {
			err = out.take(p, view, rows)
		}
		if err != nil {
			return nil, err
		}
		if out.scanned == p.limit || out.bytes >= maxPage {
			item, err := rows.Item()
			if err != nil {
				return nil, err
			}
			out.last = p.evaluatedKey(item)
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// copy takes an item as it is stored.
func (g *page) copy(p *readPlan, rows *store.Rows) error {
	if g.written == nil {
		g.written = newAnswer(0)
		g.written.begin("Items")
	} else {
		g.written.text = append(g.written.text, ',')
	}
	before := len(g.written.text)
	text, size, err := rows.AppendJSON(g.written.text)
	if err != nil {
		return err
	}
	if g.count == 0 { // the others will be about as long
		text = slices.Grow(text, min(max(p.limit, 1)*(len(text)-before)*9/8, maxGuess))
	}
	g.written.text = text
	g.scanned, g.count, g.bytes = g.scanned+1, g.count+1, g.bytes+size
	return nil
}

// take looks at one item.
func (g *page) take(p *readPlan, view *store.View, rows *store.Rows) error {
	item, err := rows.Item()
	if err != nil {
		return err
	}
	g.scanned++
	g.bytes += item.Size()
	if p.fetch {
		whole, err := view.Get(p.table, p.def.Row(item))
		if err != nil {
			return err
		}
		g.fetched = append(g.fetched, whole.Size())
		item = whole
	}
	if p.filter != nil {
		ok, err := p.filter.Eval(item)
		if err != nil || !ok {
			return err
		}
	}
	g.count++
	if !p.countOnly {
		g.items = append(g.items, project(p.projection, item))
	}
	return nil
}

// charge charges the page to m: all of it at once, and each fetched item for
// itself.
func (g *page) charge(m *meter, p *readPlan) {
	m.read(p.index, readUnits(g.bytes, p.consistent))
	for _, size := range g.fetched {
		m.read(nil, readUnits(size, p.consistent))
	}
}
