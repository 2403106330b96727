package dynamodb

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// returnSize is the value of ReturnItemCollectionMetrics that asks for metrics.
const returnSize = "SIZE"

// collectionMetrics is ItemCollectionMetrics on the wire.
type collectionMetrics struct {
	ItemCollectionKey   attr.Item
	SizeEstimateRangeGB [2]float64
}

// collection measures the item collection that a write changed: all items of a
// table and its local indexes with one partition key ("Item collections in
// local secondary indexes" in the Developer Guide). It returns nil for tables
// without local indexes, which have no collections. AWS estimates the size; the
// engine counts it.
func (e *Engine) collection(t *store.Table, key attr.Item) (out *collectionMetrics, err error) {
	def := t.Definition()
	indexes := []*store.Index{nil} // the table itself
	for _, x := range def.Indexes {
		if x.Local {
			indexes = append(indexes, x)
		}
	}
	if len(indexes) == 1 {
		return nil, nil
	}
	view, err := e.store.View(t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	hash := key[def.Key.Hash.Name]
	partition := store.Partition(hash)
	size := 0
	for _, x := range indexes {
		n, err := rangeSize(view, store.Range{Table: t, Index: x, Lower: partition, Upper: store.After(partition)})
		if err != nil {
			return nil, err
		}
		size += n
	}
	gigabytes := float64(size / (1 << 30))
	return &collectionMetrics{
		ItemCollectionKey:   attr.Item{def.Key.Hash.Name: hash},
		SizeEstimateRangeGB: [2]float64{gigabytes, gigabytes + 1},
	}, nil
}

// rangeSize returns the total size in bytes of the items in a range.
func rangeSize(view *store.View, r store.Range) (size int, err error) {
	rows, err := view.Rows(r)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		item, err := rows.Item()
		if err != nil {
			return 0, err
		}
		size += item.Size()
	}
	return size, nil
}

// collections measures the item collections of several writes, each once, by
// table. It returns nil if the request did not ask for metrics.
func (e *Engine) collections(ctx context.Context, mode string, mutations []store.Mutation,
	changes []store.Change) (map[string][]*collectionMetrics, error) {
	if mode != returnSize {
		return nil, nil
	}
	out := make(map[string][]*collectionMetrics)
	seen := make(map[string]bool)
	for i, c := range changes {
		item := c.New
		if item == nil {
			item = c.Old
		}
		if c.Err != nil || item == nil {
			continue
		}
		def := mutations[i].Table.Definition()
		if at := def.Name + "\x00" + string(store.Partition(item[def.Key.Hash.Name])); seen[at] {
			continue
		} else {
			seen[at] = true
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := e.collection(mutations[i].Table, item)
		if err != nil {
			return nil, err
		}
		if m != nil {
			out[def.Name] = append(out[def.Name], m)
		}
	}
	return out, nil
}
