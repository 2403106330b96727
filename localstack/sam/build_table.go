package sam

import (
	"regexp"
	"slices"
)

// table reads a table and checks what DynamoDB would refuse in CreateTable.
func (l *loader) table(res *resource) Table {
	p := res.props
	t := Table{
		origin:                l.origin(res),
		LogicalID:             res.id,
		Name:                  res.name,
		ARN:                   res.attrs["Arn"],
		BillingMode:           p.strOr("BillingMode", "PROVISIONED"), // CloudFormation's default
		ProvisionedThroughput: throughput(p),
		StreamView:            p.get("StreamSpecification").str("StreamViewType"),
		StreamARN:             res.attrs["StreamArn"],
		DeletionProtection:    p.boolOr("DeletionProtectionEnabled", false),
		ResourcePolicy:        l.resourcePolicy(res.id, p.get("ResourcePolicy").get("PolicyDocument")),
	}
	if ttl := p.get("TimeToLiveSpecification"); ttl.boolOr("Enabled", false) {
		t.TTLAttribute = ttl.str("AttributeName")
		if !ttl.has("AttributeName") {
			l.fail(ttl, "AttributeName is missing", "name the attribute with the expiry")
		}
	}
	var used []string
	for _, a := range p.each("AttributeDefinitions") {
		t.AttributeDefinitions = append(t.AttributeDefinitions, AttributeDefinition{
			Name: a.str("AttributeName"),
			Type: a.str("AttributeType"),
		})
	}
	t.KeySchema = l.keySchema(res, p, &used)
	names := map[string]bool{}
	index := func(v *value) Index {
		ix := Index{
			Name:                  v.str("IndexName"),
			KeySchema:             l.keySchema(res, v, &used),
			ProjectionType:        v.get("Projection").strOr("ProjectionType", "ALL"),
			NonKeyAttributes:      v.get("Projection").strs("NonKeyAttributes"),
			ProvisionedThroughput: throughput(v),
		}
		if name := v.get("IndexName"); name.known() && !indexName.MatchString(name.text) {
			l.fail(name, quote(name.text)+" is not the name of an index", "use 3 to 255 letters, digits, _, - and .")
		}
		if names[ix.Name] && ix.Name != "" {
			l.fail(v.get("IndexName"), "the table has another index "+quote(ix.Name), "give each index its own name")
		}
		names[ix.Name] = true
		if (ix.ProjectionType == "INCLUDE") != (len(ix.NonKeyAttributes) > 0) && v.has("Projection") {
			l.fail(v.get("Projection"), "NonKeyAttributes and ProjectionType INCLUDE go together",
				"use both or neither")
		}
		return ix
	}
	for _, v := range p.each("GlobalSecondaryIndexes") {
		ix := index(v)
		l.checkCapacity(v, t.BillingMode, ix.ProvisionedThroughput)
		t.GlobalSecondaryIndexes = append(t.GlobalSecondaryIndexes, ix)
	}
	for _, v := range p.each("LocalSecondaryIndexes") {
		ix := index(v)
		ks := v.get("KeySchema")
		switch {
		case len(t.KeySchema) == 1:
			l.fail(v, "a local index needs a table with a sort key", "use a global index")
		case len(t.KeySchema) == 2 && len(ix.KeySchema) > 0 && ix.KeySchema[0] != t.KeySchema[0]:
			l.fail(ks, "a local index has the partition key of its table", "use "+t.KeySchema[0].Name)
		}
		t.LocalSecondaryIndexes = append(t.LocalSecondaryIndexes, ix)
	}
	l.checkCapacity(res.at, t.BillingMode, t.ProvisionedThroughput)
	l.checkDefinitions(p, used)
	return t
}

// indexName is DynamoDB's rule for indexes (API reference,
// GlobalSecondaryIndex).
var indexName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// checkDefinitions refuses attributes that no key uses. If a key uses one that
// is not defined, that is the mistake, and it is reported there.
func (l *loader) checkDefinitions(p *value, used []string) {
	var defined []string
	for _, a := range p.each("AttributeDefinitions") {
		defined = append(defined, a.str("AttributeName"))
	}
	for _, name := range used {
		if !slices.Contains(defined, name) {
			return
		}
	}
	for _, a := range p.each("AttributeDefinitions") {
		if name := a.get("AttributeName"); name.known() && !slices.Contains(used, name.text) {
			l.fail(name, "no key uses the attribute "+quote(name.text),
				"remove the definition: DynamoDB defines key attributes only")
		}
	}
}

// keySchema reads a key: one HASH, then at most one RANGE, both defined.
func (l *loader) keySchema(res *resource, owner *value, used *[]string) []KeyElement {
	v := owner.get("KeySchema")
	if v == nil || v.kind != list {
		return nil
	}
	var defined []string
	for _, a := range res.props.each("AttributeDefinitions") {
		defined = append(defined, a.str("AttributeName"))
	}
	if n := len(v.items); n < 1 || n > 2 {
		l.fail(v, "a key has one or two attributes", "write a HASH and, if needed, a RANGE")
		return nil
	}
	var key []KeyElement
	for i, item := range v.items {
		e := KeyElement{Name: item.str("AttributeName"), Type: item.str("KeyType")}
		if want := []string{"HASH", "RANGE"}[i]; item.get("KeyType").known() && e.Type != want &&
			(e.Type == "HASH" || e.Type == "RANGE") {
			l.fail(item.get("KeyType"), "is "+quote(e.Type), "use "+want+" in this place")
		}
		if a := item.get("AttributeName"); a.known() && !slices.Contains(defined, e.Name) {
			l.fail(a, "the attribute "+quote(e.Name)+" is not in AttributeDefinitions",
				suggest(e.Name, defined, "", "define it as S, N or B"))
		}
		*used = append(*used, e.Name)
		key = append(key, e)
	}
	return key
}

func throughput(v *value) *Throughput {
	t := v.get("ProvisionedThroughput")
	if t == nil || t.kind != object {
		return nil
	}
	return &Throughput{Read: t.intOr("ReadCapacityUnits", 0), Write: t.intOr("WriteCapacityUnits", 0)}
}

func (l *loader) checkCapacity(at *value, billing string, t *Throughput) {
	switch {
	case billing == "PROVISIONED" && t == nil:
		l.fail(at, "ProvisionedThroughput is missing", "add it, or set the table's BillingMode to PAY_PER_REQUEST")
	case billing == "PAY_PER_REQUEST" && t != nil:
		l.fail(at, "ProvisionedThroughput does not go with BillingMode PAY_PER_REQUEST", "remove one of them")
	}
}
