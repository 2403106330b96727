package store

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// KeyAttribute is one attribute of a key schema.
type KeyAttribute struct {
	Name string
	Type string // S, N or B
}

// Accepts reports whether v has the attribute's type.
func (k KeyAttribute) Accepts(v attr.Value) bool { return v.Kind().String() == k.Type }

// KeySchema is a partition key and, if the table or index has one, a sort key.
// In a global index each of the two may consist of up to four attributes.
type KeySchema struct {
	Hash      KeyAttribute
	Range     *KeyAttribute  `json:",omitempty"`
	MoreHash  []KeyAttribute `json:",omitempty"` // the partition key's attributes after Hash
	MoreRange []KeyAttribute `json:",omitempty"` // the sort key's attributes after Range
}

// Hashes returns the attributes of the partition key, in order.
func (k KeySchema) Hashes() []KeyAttribute {
	return append([]KeyAttribute{k.Hash}, k.MoreHash...)
}

// Ranges returns the attributes of the sort key, in order.
func (k KeySchema) Ranges() []KeyAttribute {
	if k.Range == nil {
		return nil
	}
	return append([]KeyAttribute{*k.Range}, k.MoreRange...)
}

// Attributes returns the schema's attributes, those of the partition key first.
func (k KeySchema) Attributes() []KeyAttribute {
	if k.Range == nil && k.MoreHash == nil {
		return []KeyAttribute{k.Hash}
	}
	if k.MoreHash == nil && k.MoreRange == nil {
		return []KeyAttribute{k.Hash, *k.Range}
	}
	return append(k.Hashes(), k.Ranges()...)
}

// IsRange reports whether attribute i of Attributes belongs to the sort key.
func (k KeySchema) IsRange(i int) bool { return i > len(k.MoreHash) }

// Has reports whether the schema has an attribute of this name.
func (k KeySchema) Has(name string) bool {
	if k.Hash.Name == name || k.Range != nil && k.Range.Name == name {
		return true
	}
	named := func(a KeyAttribute) bool { return a.Name == name }
	return slices.ContainsFunc(k.MoreHash, named) || slices.ContainsFunc(k.MoreRange, named)
}

// Projection types (DynamoDB Projection.ProjectionType).
const (
	ProjectAll      = "ALL"
	ProjectKeysOnly = "KEYS_ONLY"
	ProjectInclude  = "INCLUDE"
)

// Index is a secondary index of a table.
type Index struct {
	ID         uint32 // unique in its table, never reused
	Name       string
	Local      bool
	Key        KeySchema
	Projection string   // ProjectAll, ProjectKeysOnly or ProjectInclude
	Include    []string // for ProjectInclude: the attributes besides the keys
	Filling    bool     // rows older than the index are still being added
	Read       int64    // provisioned read units, as reported
	Write      int64    // provisioned write units, as reported
}

// Settings hold values that DescribeTable returns and the store does not use.
type Settings struct {
	OnDemand           bool
	OnDemandSince      time.Time
	Read, Write        int64
	TableClass         string            `json:",omitempty"`
	DeletionProtection bool              `json:",omitempty"`
	Tags               map[string]string `json:",omitempty"`
	UUID               string            // DynamoDB TableId
	// Recorded holds settings that the engine stores and returns and that have
	// no effect locally. The engine defines the names and the JSON.
	Recorded map[string]json.RawMessage `json:",omitempty"`
}

// Definition describes one table. A published definition is immutable; a change
// makes a copy (see [Definition.Clone]).
type Definition struct {
	ID        uint64 // never reused
	Name      string
	Created   time.Time
	Key       KeySchema
	Indexes   []*Index
	NextIndex uint32
	TTL       string       `json:",omitempty"` // attribute with the expiry time, in Unix seconds
	TTLFill   uint32       `json:",omitempty"` // identifies the fill of the expiry index; 0 if it is complete
	Stream    *TableStream `json:",omitempty"` // the latest; nil if there was none
	Settings  Settings
}

// Clone returns a copy of d whose fields and indexes can be changed.
func (d *Definition) Clone() *Definition {
	c := *d
	c.Indexes = make([]*Index, len(d.Indexes))
	for i, x := range d.Indexes {
		copied := *x
		c.Indexes[i] = &copied
	}
	return &c
}

// Index returns the index with the given name, nil if there is none.
func (d *Definition) Index(name string) *Index {
	i := slices.IndexFunc(d.Indexes, func(x *Index) bool { return x.Name == name })
	if i < 0 {
		return nil
	}
	return d.Indexes[i]
}

// Projects reports whether entries of x contain the attribute name.
func (d *Definition) Projects(x *Index, name string) bool {
	return x.Projection == ProjectAll || d.Key.Has(name) || x.Key.Has(name) ||
		x.Projection == ProjectInclude && slices.Contains(x.Include, name)
}

// Filling reports whether an index or the expiry index is still being filled.
func (d *Definition) Filling() bool {
	return d.TTLFill != 0 || slices.ContainsFunc(d.Indexes, func(x *Index) bool { return x.Filling })
}
