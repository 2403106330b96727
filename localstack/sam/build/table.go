package build

import (
	"regexp"
	"slices"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Tables builds AWS::DynamoDB::Table and refuses what CreateTable refuses.
func Tables(s *resource.Set) {
	for _, res := range s.Active("AWS::DynamoDB::Table") {
		b := tableBuilder{s: s, res: res, names: map[string]bool{}}
		s.Plan.Tables = append(s.Plan.Tables, b.build())
	}
}

// tableBuilder builds one table.
type tableBuilder struct {
	s     *resource.Set
	res   *template.Resource
	names map[string]bool // of the indexes
	used  []string        // attributes that keys use
}

func (b *tableBuilder) build() plan.Table {
	p := b.res.Properties
	t := plan.Table{
		Origin:                b.s.Origin(b.res),
		LogicalID:             b.s.LogicalID(b.res),
		Name:                  b.res.Name,
		ARN:                   b.res.Attributes["Arn"],
		BillingMode:           p.StrOr("BillingMode", "PROVISIONED"), // CloudFormation's default
		ProvisionedThroughput: throughput(p),
		StreamView:            p.Get("StreamSpecification").Str("StreamViewType"),
		StreamARN:             b.res.Attributes["StreamArn"],
		DeletionProtection:    p.BoolOr("DeletionProtectionEnabled", false),
		ResourcePolicy:        resourcePolicy(b.s, b.res.ID, p.Get("ResourcePolicy").Get("PolicyDocument")),
	}
	if ttl := p.Get("TimeToLiveSpecification"); ttl.BoolOr("Enabled", false) {
		t.TTLAttribute = ttl.Str("AttributeName")
		if !ttl.Has("AttributeName") {
			b.s.Fail(ttl, "AttributeName is missing", "name the attribute with the expiry")
		}
	}
	for _, a := range p.Each("AttributeDefinitions") {
		t.AttributeDefinitions = append(t.AttributeDefinitions, plan.AttributeDefinition{
			Name: a.Str("AttributeName"),
			Type: a.Str("AttributeType"),
		})
	}
	t.KeySchema = b.keySchema(p)
	for _, v := range p.Each("GlobalSecondaryIndexes") {
		ix := b.index(v, b.globalKeySchema(v))
		b.checkCapacity(v, t.BillingMode, ix.ProvisionedThroughput)
		t.GlobalSecondaryIndexes = append(t.GlobalSecondaryIndexes, ix)
	}
	for _, v := range p.Each("LocalSecondaryIndexes") {
		ix := b.index(v, b.keySchema(v))
		b.checkLocal(v, ix, t.KeySchema)
		t.LocalSecondaryIndexes = append(t.LocalSecondaryIndexes, ix)
	}
	b.checkCapacity(b.res.At, t.BillingMode, t.ProvisionedThroughput)
	b.checkDefinitions()
	return t
}

// indexName is DynamoDB's rule for indexes (API reference,
// GlobalSecondaryIndex).
var indexName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// index reads a secondary index with the given key.
func (b *tableBuilder) index(v *template.Value, key []plan.KeyElement) plan.Index {
	projection := v.Get("Projection")
	ix := plan.Index{
		Name:                  v.Str("IndexName"),
		KeySchema:             key,
		ProjectionType:        projection.StrOr("ProjectionType", "ALL"),
		NonKeyAttributes:      projection.Strings("NonKeyAttributes"),
		ProvisionedThroughput: throughput(v),
	}
	name := v.Get("IndexName")
	if name.Known() && !indexName.MatchString(name.Text) {
		b.s.Fail(name, template.Quote(name.Text)+" is not the name of an index",
			"use 3 to 255 letters, digits, _, - and .")
	}
	if b.names[ix.Name] && ix.Name != "" {
		b.s.Fail(name, "the table has another index "+template.Quote(ix.Name), "give each index its own name")
	}
	b.names[ix.Name] = true
	if (ix.ProjectionType == "INCLUDE") != (len(ix.NonKeyAttributes) > 0) && projection != nil {
		b.s.Fail(projection, "NonKeyAttributes and ProjectionType INCLUDE go together", "use both or neither")
	}
	return ix
}

// checkLocal checks the key of a local index against that of the table.
func (b *tableBuilder) checkLocal(v *template.Value, ix plan.Index, key []plan.KeyElement) {
	switch {
	case len(key) == 1:
		b.s.Fail(v, "a local index needs a table with a sort key", "use a global index")
	case len(key) == 2 && len(ix.KeySchema) > 0 && ix.KeySchema[0] != key[0]:
		b.s.Fail(v.Get("KeySchema"), "a local index has the partition key of its table", "use "+key[0].Name)
	}
}

// defined returns the names in AttributeDefinitions.
func (b *tableBuilder) defined() []string {
	var names []string
	for _, a := range b.res.Properties.Each("AttributeDefinitions") {
		names = append(names, a.Str("AttributeName"))
	}
	return names
}

// checkDefinitions refuses attributes that no key uses. If a key uses an
// attribute that is not defined, that is the mistake, and keySchema reports it.
func (b *tableBuilder) checkDefinitions() {
	defined := b.defined()
	if slices.ContainsFunc(b.used, func(name string) bool { return !slices.Contains(defined, name) }) {
		return
	}
	for _, a := range b.res.Properties.Each("AttributeDefinitions") {
		if name := a.Get("AttributeName"); name.Known() && !slices.Contains(b.used, name.Text) {
			b.s.Fail(name, "no key uses the attribute "+template.Quote(name.Text),
				"remove the definition: DynamoDB defines key attributes only")
		}
	}
}

// keySchema reads the key of the table or of a local index: one HASH, then at
// most one RANGE, both defined.
func (b *tableBuilder) keySchema(owner *template.Value) []plan.KeyElement {
	v := owner.Get("KeySchema")
	if !v.Is(template.List) {
		return nil
	}
	if n := len(v.Items); n < 1 || n > 2 {
		b.s.Fail(v, "a key has one or two attributes", "write a HASH and, if needed, a RANGE")
		return nil
	}
	var key []plan.KeyElement
	for i, item := range v.Items {
		key = append(key, b.keyElement(item, []string{"HASH", "RANGE"}[i]))
	}
	return key
}

// globalKeySchema reads the key of a global index: one to four HASH, then at
// most four RANGE, all defined.
func (b *tableBuilder) globalKeySchema(owner *template.Value) []plan.KeyElement {
	const most = 4 // of each type
	v := owner.Get("KeySchema")
	if !v.Is(template.List) {
		return nil
	}
	count := map[string]int{}
	var key []plan.KeyElement
	for i, item := range v.Items {
		want := item.Str("KeyType")
		if i == 0 || want != "RANGE" && count["RANGE"] == 0 {
			want = "HASH"
		} else {
			want = "RANGE"
		}
		count[want]++
		key = append(key, b.keyElement(item, want))
	}
	if count["HASH"] < 1 || count["HASH"] > most || count["RANGE"] > most {
		b.s.Fail(v, "a global index has one to four HASH and at most four RANGE attributes",
			"write the HASH attributes first")
		return nil
	}
	return key
}

// keyElement reads one part of a key; want is its type.
func (b *tableBuilder) keyElement(v *template.Value, want string) plan.KeyElement {
	e := plan.KeyElement{Name: v.Str("AttributeName"), Type: v.Str("KeyType")}
	if e.Type != want && (e.Type == "HASH" || e.Type == "RANGE") {
		b.s.Fail(v.Get("KeyType"), "is "+template.Quote(e.Type), "use "+want+" here")
	}
	defined := b.defined()
	if a := v.Get("AttributeName"); a.Known() && !slices.Contains(defined, e.Name) {
		b.s.Fail(a, "the attribute "+template.Quote(e.Name)+" is not in AttributeDefinitions",
			template.Suggest(e.Name, defined, "", "define it as S, N or B"))
	}
	b.used = append(b.used, e.Name)
	return e
}

func throughput(v *template.Value) *plan.Throughput {
	t := v.Get("ProvisionedThroughput")
	if !t.Is(template.Object) {
		return nil
	}
	return &plan.Throughput{Read: t.IntOr("ReadCapacityUnits", 0), Write: t.IntOr("WriteCapacityUnits", 0)}
}

func (b *tableBuilder) checkCapacity(at *template.Value, billing string, t *plan.Throughput) {
	switch {
	case billing == "PROVISIONED" && t == nil:
		b.s.Fail(at, "ProvisionedThroughput is missing", "add it, or set the table's BillingMode to PAY_PER_REQUEST")
	case billing == "PAY_PER_REQUEST" && t != nil:
		b.s.Fail(at, "ProvisionedThroughput conflicts with BillingMode PAY_PER_REQUEST", "remove one of them")
	}
}
