package store

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// KeyAttribute is one attribute of a key schema; Type is S, N or B.
type KeyAttribute struct {
	Name string
	Type string
}

// Accepts says whether v has the attribute's type.
func (k KeyAttribute) Accepts(v attr.Value) bool { return v.Kind().String() == k.Type }

// KeySchema is a partition key and, if the table or index has one, a sort key.
type KeySchema struct {
	Hash  KeyAttribute
	Range *KeyAttribute `json:",omitempty"`
}

// Attributes lists the schema's attributes, the partition key first.
func (k KeySchema) Attributes() []KeyAttribute {
	if k.Range == nil {
		return []KeyAttribute{k.Hash}
	}
	return []KeyAttribute{k.Hash, *k.Range}
}

// Has says whether the attribute name belongs to the schema.
func (k KeySchema) Has(name string) bool {
	return k.Hash.Name == name || k.Range != nil && k.Range.Name == name
}

// Projection types (DynamoDB Projection.ProjectionType).
const (
	ProjectAll      = "ALL"
	ProjectKeysOnly = "KEYS_ONLY"
	ProjectInclude  = "INCLUDE"
)

// Index is a secondary index of a table.
type Index struct {
	ID         uint32 // unique in its table, never used again
	Name       string
	Local      bool
	Key        KeySchema
	Projection string   // ProjectAll, ProjectKeysOnly or ProjectInclude
	Include    []string // attributes besides the keys, for ProjectInclude
	Filling    bool     // rows older than the index are still being added
	Read       int64    // provisioned read units, as reported
	Write      int64    // provisioned write units, as reported
}

// Settings are what DescribeTable reports and storage does not interpret.
type Settings struct {
	OnDemand           bool
	OnDemandSince      time.Time
	Read, Write        int64
	TableClass         string            `json:",omitempty"`
	DeletionProtection bool              `json:",omitempty"`
	Tags               map[string]string `json:",omitempty"`
	UUID               string            // DynamoDB TableId
	// Recorded are settings that the engine keeps and reports and that change
	// nothing here, as JSON, by a name of the engine's.
	Recorded map[string]json.RawMessage `json:",omitempty"`
}

// Definition describes one table. Definitions are immutable once published:
// a change makes a copy (see [Definition.Clone]).
type Definition struct {
	ID        uint64 // never used again
	Name      string
	Created   time.Time
	Key       KeySchema
	Indexes   []*Index
	NextIndex uint32
	TTL       string       `json:",omitempty"` // attribute with the expiry time, in Unix seconds
	TTLFill   uint32       `json:",omitempty"` // while rows older than TTL are being added: which time that is
	Stream    *TableStream `json:",omitempty"` // the latest; nil if there was none
	Settings  Settings
}

// Clone copies d deeply enough for a schema change.
func (d *Definition) Clone() *Definition {
	c := *d
	c.Indexes = make([]*Index, len(d.Indexes))
	for i, x := range d.Indexes {
		copied := *x
		c.Indexes[i] = &copied
	}
	return &c
}

// Index finds an index by name; nil if the table has none of that name.
func (d *Definition) Index(name string) *Index {
	i := slices.IndexFunc(d.Indexes, func(x *Index) bool { return x.Name == name })
	if i < 0 {
		return nil
	}
	return d.Indexes[i]
}

// Projects says whether entries of x hold the attribute name.
func (d *Definition) Projects(x *Index, name string) bool {
	return x.Projection == ProjectAll || d.Key.Has(name) || x.Key.Has(name) ||
		x.Projection == ProjectInclude && slices.Contains(x.Include, name)
}

// Filling says whether any part of d awaits its back-fill.
func (d *Definition) Filling() bool {
	return d.TTLFill != 0 || slices.ContainsFunc(d.Indexes, func(x *Index) bool { return x.Filling })
}
