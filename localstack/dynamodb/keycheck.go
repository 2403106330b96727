package dynamodb

import (
	"errors"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxItem bounds an item, in bytes ("Constraints in Amazon DynamoDB").
const maxItem = 400 << 10

// checkKey checks the Key parameter of an operation against the table's schema.
func checkKey(def *store.Definition, key attr.Item) error {
	attributes := def.Key.Attributes()
	if len(key) != len(attributes) {
		return keyMismatch()
	}
	for i, a := range attributes {
		v, ok := key[a.Name]
		if !ok || !a.Accepts(v) {
			return keyMismatch()
		}
		if err := checkKeyValue(a.Name, v, i > 0); err != nil {
			return err
		}
	}
	return nil
}

func keyMismatch() error { return invalid("The provided key element does not match the schema") }

// checkKeyValue checks the size of a value of the table's key.
func checkKeyValue(name string, v attr.Value, isRange bool) error {
	if kind, empty := emptyValue(v); empty {
		return invalidRequest("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, name)
	}
	return checkKeySize(v, isRange)
}

func emptyValue(v attr.Value) (kind string, empty bool) {
	switch v.Kind() {
	case attr.S:
		return "string", v.Size() == 0
	case attr.B:
		return "binary", v.Size() == 0
	}
	return "", false
}

func checkKeySize(v attr.Value, isRange bool) error { return checkSize(v.Size(), isRange) }

// checkSize bounds the size of a partition key or sort key.
func checkSize(size int, isRange bool) error {
	switch {
	case !isRange && size > store.MaxHash:
		// DynamoDB's text has no space after "of".
		return invalidParameter("Size of hashkey has exceeded the maximum size limit of%d bytes", store.MaxHash)
	case isRange && size > store.MaxRange:
		return invalidParameter("Aggregated size of all range keys has exceeded the size limit of %d bytes",
			store.MaxRange)
	}
	return nil
}

// checkItem checks a new item: its key, the keys of the indexes, its size.
func checkItem(def *store.Definition, item attr.Item) error {
	for i, a := range def.Key.Attributes() {
		v, ok := item[a.Name]
		if !ok {
			return invalidParameter("Missing the key %s in the item", a.Name)
		}
		if !a.Accepts(v) {
			return invalidParameter("Type mismatch for key %s expected: %s actual: %s", a.Name, a.Type, v.Kind())
		}
		if err := checkKeyValue(a.Name, v, i > 0); err != nil {
			return err
		}
	}
	if err := checkIndexKeys(def, item); err != nil {
		return err
	}
	if item.Size() > maxItem {
		return invalidRequest("Item size has exceeded the maximum allowed size")
	}
	return nil
}

// checkUpdated checks an item that an update has changed. Of the keys of
// indexes it checks those that the update writes: an item may hold a value that
// a later index does not take.
func checkUpdated(def *store.Definition, item attr.Item, update *expr.Update) error {
	if update == nil {
		return nil
	}
	written := update.Attributes()
	if update.IsLegacy() {
		if err := checkIndexKeysOf(def, item, written); err != nil {
			return err
		}
	} else if err := checkUpdatedKeys(def, item, written); err != nil {
		return err
	}
	if item.Size() > maxItem {
		return invalid("Item size to update has exceeded the maximum allowed size")
	}
	return nil
}

// checkUpdatedKeys checks the keys of indexes that an update expression writes.
// DynamoDB's messages differ from those for a whole item.
func checkUpdatedKeys(def *store.Definition, item attr.Item, written []string) error {
	for _, x := range def.Indexes {
		for _, a := range x.Key.Attributes() {
			v, ok := item[a.Name]
			if !ok || def.Key.Has(a.Name) || !slices.Contains(written, a.Name) {
				continue
			}
			if !a.Accepts(v) {
				return invalid("The update expression attempted to update the secondary index key to unsupported type")
			}
			if kind, empty := emptyValue(v); empty {
				return invalidRequest("One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", kind)
			}
			if checkIndexKeySize(x.Key, item) != nil {
				return invalid("The update expression attempted to update the secondary index key beyond allowed size limits")
			}
		}
	}
	return nil
}

// checkIndexKeys checks the attributes of an item that are keys of indexes,
// where present.
func checkIndexKeys(def *store.Definition, item attr.Item) error {
	return checkIndexKeysOf(def, item, nil)
}

// checkIndexKeysOf is checkIndexKeys for the attributes of the given names
// only, or for all without names. If an item does not fit several indexes, the
// error names the first in alphabetical order, as DynamoDB's does.
func checkIndexKeysOf(def *store.Definition, item attr.Item, names []string) error {
	var first error
	var in string
	for _, x := range def.Indexes {
		if first != nil && x.Name > in {
			continue
		}
		if err := checkIndexKey(def, x, item, names); err != nil {
			first, in = err, x.Name
		}
	}
	return first
}

func checkIndexKey(def *store.Definition, x *store.Index, item attr.Item, names []string) error {
	for _, a := range x.Key.Attributes() {
		v, ok := item[a.Name]
		if !ok || def.Key.Has(a.Name) || names != nil && !slices.Contains(names, a.Name) {
			continue
		}
		if !a.Accepts(v) {
			return invalidParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s",
				a.Name, a.Type, v.Kind(), x.Name)
		}
		if kind, empty := emptyValue(v); empty {
			return invalidRequest("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kind, x.Name, a.Name)
		}
		if err := checkIndexKeySize(x.Key, item); err != nil {
			return err
		}
	}
	return nil
}

// checkIndexKeySize bounds the partition key and the sort key of an index, each
// with all its attributes that the item has.
func checkIndexKeySize(k store.KeySchema, item attr.Item) error {
	var sizes [2]int
	for i, a := range k.Attributes() {
		part := 0
		if k.IsRange(i) {
			part = 1
		}
		if v, ok := item[a.Name]; ok {
			sizes[part] += v.Size()
		}
	}
	return errors.Join(checkSize(sizes[0], false), checkSize(sizes[1], true))
}

// keyOf returns the primary key of an item.
func keyOf(def *store.Definition, item attr.Item) attr.Item {
	key := make(attr.Item, 2)
	for _, a := range def.Key.Attributes() {
		key[a.Name] = item[a.Name]
	}
	return key
}

// checkScalarKeys refuses a document path into a key attribute of the table or
// of an index. Keys are scalars, so the path could never have a value.
func checkScalarKeys(def *store.Definition, paths []expr.Path) error {
	nested := func(a store.KeyAttribute) bool {
		return slices.ContainsFunc(paths, func(p expr.Path) bool { return len(p) > 1 && p.Attribute() == a.Name })
	}
	const text = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: %s: %s"
	for _, a := range def.Key.Attributes() {
		if nested(a) {
			return invalid(text, "Key", a.Name)
		}
	}
	for _, x := range def.Indexes {
		for _, a := range x.Key.Attributes() {
			if nested(a) {
				return invalid(text, "IndexKey", a.Name)
			}
		}
	}
	return nil
}

// checkProjection checks an optional projection against the table's keys.
func checkProjection(def *store.Definition, p *expr.Projection) error {
	if p == nil {
		return nil
	}
	return checkScalarKeys(def, p.Paths())
}

// checkCondition checks an optional condition against the table's keys.
func checkCondition(def *store.Definition, c *expr.Condition) error {
	if c == nil {
		return nil
	}
	return checkScalarKeys(def, c.Paths())
}
