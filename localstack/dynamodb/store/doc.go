// Package store keeps DynamoDB tables on an embedded ordered store (Pebble):
// rows, secondary indexes, expiry times, counters, streams of changes, the
// table catalogue and transaction tokens, each change of which is one synced
// commit.
//
// Use it below the engine's operations. It knows schemas and items, but no
// requests, expressions, capacity units or error texts, and it never answers
// with something that a crash could still take back: writers hold their items
// until the commit is on disk, and readers wait for what they have seen.
//
// # Key layout
//
// The first byte of a key names its space. Table and index identifiers are
// big-endian and never used twice, so that dropping a table or an index is one
// range deletion, whatever its size.
//
//	F                                          format version, uvarint
//	N                                          next table identifier, uint64
//	T name                                     table definition, JSON
//	C table(8) index(4)                        items and bytes, merged sums
//	D table(8) 0(4) row                        item
//	D table(8) index(4) slot(4) keys row       projected item
//	X table(8) seconds(8) row                  empty; the expiry index
//	K token                                    digest and expiry of a transaction
//	L seconds(8) token                         empty; the tokens by expiry
//	S stream(8)                                stream definition, JSON
//	R stream(8) number(8)                      record of a change
//
// A row is slot(4) hash [range]: hash and range are the values of the primary
// key in attr's order-preserving, self-delimiting encoding, and slot is a hash
// of the encoded partition key. The slot spreads partitions as DynamoDB does:
// a Scan meets them in no useful order, and its segments are equal ranges of
// slots. In an index, keys are the index's hash and range values, slot is of
// its hash value, and the row behind them keeps entries apart.
package store
