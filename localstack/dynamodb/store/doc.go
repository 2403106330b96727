// Package store stores DynamoDB tables in an embedded ordered key-value store
// (Pebble): rows, secondary indexes, expiry times, counters, streams, the table
// catalogue and transaction tokens. Every change is one synced commit.
//
// Use it below the operations of the engine. It has no notion of requests,
// expressions, capacity units or error texts. It never returns data that a
// crash could still undo: writers hold their locks until the commit is on disk,
// and readers wait until everything they have read is on disk.
//
// # Key layout
//
// The first byte of a key is its space. Table and index identifiers are
// big-endian and are never reused, so one range deletion drops a table or an
// index of any size.
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
// A row is slot(4) hash [range]. hash and range are the values of the primary
// key in the order-preserving, self-delimiting encoding of package attr. slot
// is a hash of the encoded partition key. It spreads partitions as DynamoDB
// does: a Scan returns them in no useful order, and its segments are equal
// ranges of slots. In an index, keys are the hash and range values of the
// index, and slot is the hash of the former; the row after them makes entries
// unique.
package store
