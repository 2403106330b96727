package dynamodb

import (
	"context"
	"errors"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxPage bounds the size in bytes of the items that one Query or Scan
// evaluates. The item that reaches it is the last of the page.
const maxPage = 1 << 20

// maxGuess bounds the bytes that are preallocated for a page after its first
// item.
const maxGuess = 64 << 10

// page is the result of one Query or Scan.
type page struct {
	items   []attr.Item
	json    *response // instead of items: the response, which starts with the items
	count   int
	scanned int
	bytes   int       // of the evaluated items, before the filter
	fetched []int     // sizes of the items that were read from the table for a local index
	last    attr.Item // LastEvaluatedKey; nil on the last page
}

// readPage runs a plan on one snapshot of the store.
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
			err = out.appendStored(p, rows)
		} else {
			err = out.evaluate(p, view, rows)
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

// appendStored appends an item to the response without decoding it.
func (g *page) appendStored(p *readPlan, rows *store.Rows) error {
	if g.json == nil {
		g.json = newResponse(0)
		g.json.begin("Items")
	} else {
		g.json.text = append(g.json.text, ',')
	}
	before := len(g.json.text)
	text, size, err := rows.AppendJSON(g.json.text)
	if err != nil {
		return err
	}
	if g.count == 0 { // assume that the other items have this size
		text = slices.Grow(text, min(max(p.limit, 1)*(len(text)-before)*9/8, maxGuess))
	}
	g.json.text = text
	g.scanned, g.count, g.bytes = g.scanned+1, g.count+1, g.bytes+size
	return nil
}

// evaluate evaluates one item and adds it to the page if the filter holds.
func (g *page) evaluate(p *readPlan, view *store.View, rows *store.Rows) error {
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

// charge charges the page to m: the evaluated items together, and each item
// that was read from the table by itself.
func (g *page) charge(m *meter, p *readPlan) {
	m.read(p.index, readUnits(g.bytes, p.consistent))
	for _, size := range g.fetched {
		m.read(nil, readUnits(size, p.consistent))
	}
}
