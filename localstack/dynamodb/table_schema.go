package dynamodb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// Limits on a table's indexes ("Service, account, and table quotas").
const (
	maxLocalIndexes  = 5
	maxGlobalIndexes = 20
	maxIncluded      = 100 // NonKeyAttributes of all indexes together
	// maxKeyAttributes bounds the attributes of a global index's partition key,
	// and those of its sort key (Developer Guide, "Multi-attribute keys").
	maxKeyAttributes = 4
)

// attributeTypes are a request's AttributeDefinitions by name.
type attributeTypes map[string]string

func newAttributeTypes(definitions []AttributeDefinition) (attributeTypes, error) {
	types := make(attributeTypes, len(definitions))
	for _, d := range definitions {
		if _, twice := types[d.AttributeName]; twice {
			return nil, invalidParameter("Cannot redefine attribute '%s'", d.AttributeName)
		}
		types[d.AttributeName] = d.AttributeType
	}
	return types, nil
}

func (t attributeTypes) String() string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	return "[" + strings.Join(names, ", ") + "]"
}

// keySchema returns the key schema that a KeySchema declares. most is the
// number of attributes that the partition key and the sort key may each have.
func (t attributeTypes) keySchema(elements []KeySchemaElement, most int) (store.KeySchema, error) {
	var k store.KeySchema
	if err := checkKeyOrder(elements, most); err != nil {
		return k, err
	}
	var missing, seen []string
	for i, element := range elements {
		name := element.AttributeName
		kind, ok := t[name]
		if !ok {
			missing = append(missing, name)
		}
		if slices.Contains(seen, name) && len(elements) > 2 {
			return k, invalid("The KeySchema contains multiple key attributes with the same name")
		}
		if slices.Contains(seen, name) {
			return k, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		}
		seen = append(seen, name)
		a := store.KeyAttribute{Name: name, Type: kind}
		switch {
		case i == 0:
			k.Hash = a
		case element.KeyType == "HASH":
			k.MoreHash = append(k.MoreHash, a)
		case k.Range == nil:
			k.Range = &a
		default:
			k.MoreRange = append(k.MoreRange, a)
		}
	}
	if missing != nil {
		return k, invalidParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: %s",
			strings.Join(missing, ", "), t)
	}
	return k, nil
}

// checkKeyOrder checks the types of the elements of a key: HASH, then RANGE. A
// key has no more than most elements of each type.
func checkKeyOrder(elements []KeySchemaElement, most int) error {
	if elements[0].KeyType != "HASH" {
		return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	if most == 1 {
		if len(elements) > 1 && elements[1].KeyType != "RANGE" {
			return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		}
		return nil
	}
	count := map[string]int{}
	for _, element := range elements {
		if element.KeyType == "HASH" && count["RANGE"] > 0 {
			return invalidParameter("All HASH key attributes must precede RANGE key attributes in the KeySchema")
		}
		count[element.KeyType]++
	}
	for _, kind := range []string{"HASH", "RANGE"} {
		if count[kind] > most {
			return invalidParameter("The KeySchema exceeds the maximum allowed number of %s key attributes", kind)
		}
	}
	return nil
}

// index returns the secondary index that in declares on a table with the key
// primary.
func (t attributeTypes) index(in SecondaryIndex, local bool, primary store.KeySchema) (*store.Index, error) {
	most := maxKeyAttributes
	if local {
		most = 1
	}
	key, err := t.keySchema(in.KeySchema, most)
	if err != nil {
		return nil, err
	}
	x := &store.Index{Name: *in.IndexName, Local: local, Key: key}
	if in.Projection == nil {
		return nil, invalidParameter("Indexes must have a projection specified")
	}
	x.Projection, x.Include = in.Projection.ProjectionType, in.Projection.NonKeyAttributes
	switch {
	case x.Projection == "":
		return nil, invalidParameter("Unknown ProjectionType: null")
	case x.Projection == store.ProjectInclude && len(x.Include) == 0:
		return nil, invalidParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case x.Projection != store.ProjectInclude && len(x.Include) > 0:
		return nil, invalidParameter("ProjectionType is %s, but NonKeyAttributes is specified", x.Projection)
	}
	for i, name := range x.Include {
		if slices.Contains(x.Include[:i], name) {
			return nil, invalidParameter("Duplicate element in NonKeyAttributes: %s", name)
		}
	}
	if local {
		switch {
		case primary.Range == nil:
			return nil, invalidParameter("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
		case key.Range == nil:
			return nil, invalidParameter("Index KeySchema does not have a range key for index: %s", x.Name)
		case key.Hash != primary.Hash:
			return nil, invalidParameter("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
				x.Name, key.Hash.Name, primary.Hash.Name)
		}
	} else if in.ProvisionedThroughput != nil {
		x.Read, x.Write = in.ProvisionedThroughput.ReadCapacityUnits, in.ProvisionedThroughput.WriteCapacityUnits
	}
	return x, nil
}

// checkIndexes checks the indexes of a table together.
func checkIndexes(indexes []*store.Index) error {
	local, included := 0, 0
	names := make(map[string]bool)
	for _, x := range indexes {
		if names[x.Name] {
			return invalidParameter("Duplicate index name: %s", x.Name)
		}
		names[x.Name] = true
		included += len(x.Include)
		if x.Local {
			local++
		}
	}
	switch {
	case local > maxLocalIndexes:
		return invalidParameter("Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocalIndexes)
	case len(indexes)-local > maxGlobalIndexes:
		return invalidParameter("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	case included > maxIncluded:
		return invalidParameter("Number of NonKeyAttributes over all indexes exceeds the per-table limit of %d",
			maxIncluded)
	}
	return nil
}

// checkAllUsed refuses attribute definitions that no key uses.
func (t attributeTypes) checkAllUsed(def *store.Definition) error {
	used := make(attributeTypes)
	for _, a := range keyAttributes(def) {
		used[a.AttributeName] = a.AttributeType
	}
	if len(used) == len(t) {
		return nil
	}
	if len(def.Indexes) == 0 {
		return invalidParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return invalidParameter("Some AttributeDefinitions are not used. AttributeDefinitions: %s, keys used: %s", t, used)
}

// keyAttributes returns the AttributeDefinitions of a table, sorted by name.
func keyAttributes(def *store.Definition) []AttributeDefinition {
	var out []AttributeDefinition
	add := func(k store.KeySchema) {
		for _, a := range k.Attributes() {
			d := AttributeDefinition{AttributeName: a.Name, AttributeType: a.Type}
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	add(def.Key)
	for _, x := range def.Indexes {
		add(x.Key)
	}
	slices.SortFunc(out, func(a, b AttributeDefinition) int {
		return strings.Compare(a.AttributeName, b.AttributeName)
	})
	return out
}

func keyElements(k store.KeySchema) []KeySchemaElement {
	var out []KeySchemaElement
	for i, a := range k.Attributes() {
		element := KeySchemaElement{AttributeName: a.Name, KeyType: "HASH"}
		if k.IsRange(i) {
			element.KeyType = "RANGE"
		}
		out = append(out, element)
	}
	return out
}

// keySchema checks the elements against the API's constraints: there are no
// more than most of them (0: no limit), and each element is valid.
func (c *checks) keySchema(member string, elements []KeySchemaElement, most int) {
	if most > 0 && len(elements) > most {
		c.fail("'["+strings.Join(keySchemaTexts(elements), ", ")+"]'", member,
			fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
	c.count(member, len(elements), 1, 0)
	for i, element := range elements {
		at := fmt.Sprintf("%s.%d.member.", member, i+1)
		c.length(at+"attributeName", &element.AttributeName, 1, 255)
		c.oneOf(at+"keyType", element.KeyType, "HASH", "RANGE")
	}
}

// keySchemaTexts returns elements as they are in DynamoDB's messages.
func keySchemaTexts(elements []KeySchemaElement) []string {
	texts := make([]string, len(elements))
	for i, element := range elements {
		texts[i] = fmt.Sprintf("KeySchemaElement(attributeName=%s, keyType=%s)", element.AttributeName, element.KeyType)
	}
	return texts
}

func (c *checks) indexes(member string, indexes []SecondaryIndex, local bool) {
	most := 0 // keySchema counts the HASH and RANGE elements of a global index
	if local {
		most = 2
	}
	for i, x := range indexes {
		at := fmt.Sprintf("%s.%d.member.", member, i+1)
		c.name(at+"indexName", x.IndexName)
		c.keySchema(at+"keySchema", x.KeySchema, most)
		if x.Projection != nil {
			c.oneOf(at+"projection.projectionType", x.Projection.ProjectionType,
				store.ProjectAll, store.ProjectInclude, store.ProjectKeysOnly)
			if x.Projection.NonKeyAttributes != nil {
				c.count(at+"projection.nonKeyAttributes", len(x.Projection.NonKeyAttributes), 1, 0)
			}
			for j, name := range x.Projection.NonKeyAttributes {
				c.length(fmt.Sprintf("%sprojection.nonKeyAttributes.%d.member", at, j+1), &name, 1, 255)
			}
		}
		c.throughput(at+"provisionedThroughput", x.ProvisionedThroughput)
	}
}

func (c *checks) throughput(member string, t *ProvisionedThroughput) {
	if t != nil {
		c.value(member+".readCapacityUnits", &t.ReadCapacityUnits, 1, 0)
		c.value(member+".writeCapacityUnits", &t.WriteCapacityUnits, 1, 0)
	}
}

func (c *checks) attributeDefinitions(definitions []AttributeDefinition) {
	for i, d := range definitions {
		at := fmt.Sprintf("attributeDefinitions.%d.member.", i+1)
		c.length(at+"attributeName", &d.AttributeName, 1, 255)
		if d.AttributeType == "" {
			c.required(at+"attributeType", false)
		}
		c.oneOf(at+"attributeType", d.AttributeType, "B", "N", "S")
	}
}
