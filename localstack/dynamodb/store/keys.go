package store

import (
	"encoding/binary"
	"hash/fnv"
	"math"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// The spaces of the key layout; see the package comment.
const (
	spaceFormat      = 'F'
	spaceNextTable   = 'N'
	spaceTables      = 'T'
	spaceCounters    = 'C'
	spaceRows        = 'D'
	spaceExpiry      = 'X'
	spaceTokens      = 'K'
	spaceTokenExpiry = 'L'
	spaceStreams     = 'S'
	spaceRecords     = 'R'
)

const (
	tablePrefixLen = 1 + 8
	rowPrefixLen   = tablePrefixLen + 4
	slotLen        = 4
)

func tablePrefix(space byte, table uint64) []byte {
	b := make([]byte, 0, 96)
	b = append(b, space)
	return binary.BigEndian.AppendUint64(b, table)
}

// indexPrefix returns the common prefix of the rows or counters of an index.
// Index 0 is the table itself.
func indexPrefix(space byte, table uint64, index uint32) []byte {
	return binary.BigEndian.AppendUint32(tablePrefix(space, table), index)
}

func rowKey(table uint64, index uint32, suffix []byte) []byte {
	return append(indexPrefix(spaceRows, table, index), suffix...)
}

func expiryKey(table uint64, seconds int64, row []byte) []byte {
	b := binary.BigEndian.AppendUint64(tablePrefix(spaceExpiry, table), uint64(seconds))
	return append(b, row...)
}

func streamKey(stream uint64) []byte { return tablePrefix(spaceStreams, stream) }

// streamPrefix returns the common prefix of the records of a stream.
func streamPrefix(stream uint64) []byte { return tablePrefix(spaceRecords, stream) }

func recordKey(stream, number uint64) []byte {
	return binary.BigEndian.AppendUint64(streamPrefix(stream), number)
}

func recordNumber(key []byte) uint64 { return binary.BigEndian.Uint64(key[tablePrefixLen:]) }

// After returns the smallest key that is greater than all keys with the prefix,
// nil if there is none.
func After(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != math.MaxUint8 {
			b := append([]byte(nil), prefix[:i+1]...)
			b[i]++
			return b
		}
	}
	return nil
}

// slot returns the hash of an encoded partition key. It is part of the store's
// format: FNV-1a with a final mix, so that short keys change the high bits too.
func slot(hash []byte) uint32 {
	f := fnv.New64a()
	f.Write(hash)
	h := f.Sum64()
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return uint32(h >> 32)
}

// Partition returns the common prefix of all rows, or entries of an index, with
// the partition key hash.
func Partition(hash ...attr.Value) []byte {
	b := make([]byte, slotLen, 64)
	for _, v := range hash {
		b = attr.AppendKey(b, v)
	}
	binary.BigEndian.PutUint32(b, slot(b[slotLen:]))
	return b
}

// Row returns the key of an item in its table. The item must have the key
// attributes with the types of the schema.
func (d *Definition) Row(key attr.Item) []byte { return d.Key.encode(key) }

// Entry returns the key of an item in an index. The item must have the key
// attributes of the table and of the index.
func (d *Definition) Entry(x *Index, key attr.Item) []byte {
	return append(x.Key.encode(key), d.Row(key)...)
}

func (k KeySchema) encode(key attr.Item) []byte {
	if k.MoreHash == nil && k.MoreRange == nil {
		b := Partition(key[k.Hash.Name])
		if k.Range != nil {
			b = attr.AppendKey(b, key[k.Range.Name])
		}
		return b
	}
	var hash []attr.Value
	for _, a := range k.Hashes() {
		hash = append(hash, key[a.Name])
	}
	b := Partition(hash...)
	for _, a := range k.Ranges() {
		b = attr.AppendKey(b, key[a.Name])
	}
	return b
}

// Limits of a partition key and a sort key in bytes ("Constraints in Amazon
// DynamoDB").
const (
	MaxHash  = 2048
	MaxRange = 1024
)

// indexes reports whether item has a key in an index: all attributes of k with
// the right types, none of them empty, and within the limits. An item without
// one has no entry in the index (sparse index). Writes of other values are
// refused; an index that is added later may meet them ("Index key violations").
func (k KeySchema) indexes(item attr.Item) bool {
	var sizes [2]int
	for i, a := range k.Attributes() {
		v, ok := item[a.Name]
		if !ok || !a.Accepts(v) || v.Size() == 0 {
			return false
		}
		if k.IsRange(i) {
			sizes[1] += v.Size()
		} else {
			sizes[0] += v.Size()
		}
	}
	return sizes[0] <= MaxHash && sizes[1] <= MaxRange
}

// Segment returns the bounds of one segment of a parallel scan: lower is the
// first key, nil for the beginning; upper is the key after the last, nil for
// the end.
func Segment(segment, total int) (lower, upper []byte) {
	at := func(i int) []byte {
		return binary.BigEndian.AppendUint32(nil, uint32((uint64(i)<<32)/uint64(total)))
	}
	if segment > 0 {
		lower = at(segment)
	}
	if segment+1 < total {
		upper = at(segment + 1)
	}
	return lower, upper
}
