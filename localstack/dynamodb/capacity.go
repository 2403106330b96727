package dynamodb

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// The values of ReturnConsumedCapacity.
const (
	reportIndexes = "INDEXES"
	reportTotal   = "TOTAL"
	reportNone    = "NONE"
)

// Sizes of capacity units in bytes ("Read/write capacity mode" in the
// Developer Guide).
const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

// units returns how many capacity units of unit bytes cover n bytes, at least
// 1.
func units(n, unit int) float64 { return float64(max(1, (n+unit-1)/unit)) }

// readUnits returns the cost of reading n bytes in one request.
func readUnits(n int, consistent bool) float64 {
	if consistent {
		return units(n, readUnit)
	}
	return units(n, readUnit) / 2
}

type capacity struct {
	CapacityUnits      float64 `json:"CapacityUnits"`
	ReadCapacityUnits  float64 `json:"ReadCapacityUnits,omitzero"`
	WriteCapacityUnits float64 `json:"WriteCapacityUnits,omitzero"`
}

func (c *capacity) add(d capacity) {
	c.CapacityUnits += d.CapacityUnits
	c.ReadCapacityUnits += d.ReadCapacityUnits
	c.WriteCapacityUnits += d.WriteCapacityUnits
}

// consumedCapacity is ConsumedCapacity on the wire.
type consumedCapacity struct {
	TableName string               `json:"TableName"`
	Total     capacity             `json:",embed"`
	Table     *capacity            `json:"Table,omitzero"`
	Local     map[string]*capacity `json:"LocalSecondaryIndexes,omitempty"`
	Global    map[string]*capacity `json:"GlobalSecondaryIndexes,omitempty"`
}

// meter adds up the capacity that one request consumes on one table.
type meter struct {
	table         string
	transactional bool // the table's units count double, and reads and writes are reported apart
	base          capacity
	local, global map[string]*capacity
	reads, writes float64 // units of the table and all its indexes
}

func (m *meter) charge(x *store.Index, c capacity) {
	if x == nil {
		m.base.add(c)
		return
	}
	side := &m.global
	if x.Local {
		side = &m.local
	}
	if *side == nil {
		*side = make(map[string]*capacity)
	}
	sum, ok := (*side)[x.Name]
	if !ok {
		sum = new(capacity)
		(*side)[x.Name] = sum
	}
	sum.add(c)
}

// read charges read units to an index, or to the table if x is nil.
func (m *meter) read(x *store.Index, units float64) {
	c := capacity{CapacityUnits: units}
	if m.transactional {
		c = capacity{CapacityUnits: 2 * units, ReadCapacityUnits: 2 * units}
	}
	m.reads += c.CapacityUnits
	m.charge(x, c)
}

// write charges a change: the larger of the old and the new item, and every
// index entry that was written. A transaction costs the table twice, but not
// its indexes.
func (m *meter) write(c store.Change) {
	m.charge(nil, m.written(units(max(sizeOf(c.Old), sizeOf(c.New)), writeUnit), 2))
	for _, x := range c.Indexes {
		sum := 0.0
		for _, size := range x.Sizes {
			sum += units(size, writeUnit)
		}
		m.charge(x.Index, m.written(sum, 1))
	}
}

// written returns the cost of a write. In a transaction, times multiplies it
// and it is reported as a write.
func (m *meter) written(units, times float64) capacity {
	c := capacity{CapacityUnits: units}
	if m.transactional {
		c = capacity{CapacityUnits: times * units, WriteCapacityUnits: times * units}
	}
	m.writes += c.CapacityUnits
	return c
}

func sizeOf(item attr.Item) int {
	if item == nil {
		return 0
	}
	return item.Size()
}

// report adds the cost to the request's trace event and returns the
// ConsumedCapacity that the client asked for, or nil.
func (m *meter) report(ctx context.Context, mode string) *consumedCapacity {
	observationOf(ctx).addUnits(m.reads, m.writes)
	if mode != reportTotal && mode != reportIndexes {
		return nil
	}
	out := &consumedCapacity{TableName: m.table, Total: m.base}
	for _, side := range []map[string]*capacity{m.local, m.global} {
		for _, c := range side {
			out.Total.add(*c)
		}
	}
	if mode == reportIndexes {
		base := m.base
		out.Table, out.Local, out.Global = &base, m.local, m.global
	}
	return out
}

// meters holds one meter per table, in the order of first use.
type meters struct {
	transactional bool
	list          []*meter
}

func (ms *meters) forTable(table string) *meter {
	for _, m := range ms.list {
		if m.table == table {
			return m
		}
	}
	m := &meter{table: table, transactional: ms.transactional}
	ms.list = append(ms.list, m)
	return m
}

func (ms *meters) report(ctx context.Context, mode string) []*consumedCapacity {
	var out []*consumedCapacity
	for _, m := range ms.list {
		if c := m.report(ctx, mode); c != nil {
			out = append(out, c)
		}
	}
	return out
}
