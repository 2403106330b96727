package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// API reference, CreateTable, DescribeTable, UpdateTable, DeleteTable and
// ListTables; TableDescription.

func TestTableDescription(t *testing.T) {
	tb := newTable(t, "pk S, sk N", "GSI by-n: n N: n2 n3", "LSI by-m: pk S, m B: ALL")
	tb.put(t, `{"pk":"a","sk":1}`)
	got := tb.must(t, "DescribeTable", "{}")
	got.check(t, fmt.Sprintf(`{"Table":{"TableName":%q,"TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
		"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},"ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":0,"WriteCapacityUnits":0},"DeletionProtectionEnabled":false,
		"GlobalSecondaryIndexes":[{"IndexName":"by-n","IndexStatus":"ACTIVE","KeySchema":[{"AttributeName":"n","KeyType":"HASH"}],"Projection":{"ProjectionType":"INCLUDE"},
			"ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":0,"WriteCapacityUnits":0}}],
		"LocalSecondaryIndexes":[{"IndexName":"by-m","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"m","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]}}`, tb.name))
	arn, _ := got.at("Table", "TableArn").(string)
	if !strings.HasPrefix(arn, "arn:aws") || !strings.HasSuffix(arn, ":table/"+tb.name) ||
		len(strings.Split(arn, ":")) != 6 {
		t.Errorf("got the ARN %q, want that of the table", arn)
	}
	if x := got.at("Table", "GlobalSecondaryIndexes", 0, "IndexArn"); x != arn+"/index/by-n" {
		t.Errorf("got the ARN %q of an index, want %q", x, arn+"/index/by-n")
	}
	if id, _ := got.at("Table", "TableId").(string); len(id) != 36 {
		t.Errorf("got the id %q, want 36 characters", id)
	}
	if _, ok := got.at("Table", "CreationDateTime").(json.Number); !ok {
		t.Errorf("got the creation time %v, want a number", got.at("Table", "CreationDateTime"))
	}
	if definitions, _ := got.at("Table", "AttributeDefinitions").([]any); len(definitions) != 4 {
		t.Errorf("got the AttributeDefinitions %v, want 4", definitions)
	}
	tb.steps(t, []step{
		{"again", "CreateTable", declare("pk S"), "ResourceInUseException: Table already exists: $T"},
		{"by its ARN", "DescribeTable", fmt.Sprintf(`{"TableName":%q}`, arn), `{"Table":{"TableName":"$T"}}`},
		{"read by its ARN", "GetItem", fmt.Sprintf(`{"TableName":%q,"Key":{"pk":"a","sk":1}}`, arn),
			`{"Item":{"pk":"a","sk":1}}`},
		{"nothing", "DescribeTable", `{"TableName":"conformance-nothing"}`,
			"ResourceNotFoundException: Requested resource not found: Table: conformance-nothing not found"},
		{"delete nothing", "DeleteTable", `{"TableName":"conformance-nothing"}`,
			"ResourceNotFoundException: Requested resource not found: Table: conformance-nothing not found"},
		{"update nothing", "UpdateTable", `{"TableName":"conformance-nothing","BillingMode":"PAY_PER_REQUEST"}`, "ResourceNotFoundException: Requested resource not found: Table: conformance-nothing not found"},
		{"delete", "DeleteTable", `{}`, `{"TableDescription":{"TableName":"$T","TableStatus":"DELETING"}}`},
	})
	eventually(t, "the table is deleted", func() bool {
		return tb.call(t, "DescribeTable", "{}").Code == "ResourceNotFoundException"
	})
}

// keySchema returns the member KeySchema for elements such as "pk HASH".
func keySchema(elements ...string) string {
	var texts []string
	for _, e := range elements {
		name, kind, _ := strings.Cut(e, " ")
		texts = append(texts, fmt.Sprintf(`{"AttributeName":%q,"KeyType":%q}`, name, kind))
	}
	return `"KeySchema":[` + strings.Join(texts, ",") + `]`
}

// attributeDefinitions returns the member AttributeDefinitions, after a comma,
// for elements such as "pk S".
func attributeDefinitions(elements ...string) string {
	var texts []string
	for _, e := range elements {
		name, kind, _ := strings.Cut(e, " ")
		texts = append(texts, fmt.Sprintf(`{"AttributeName":%q,"AttributeType":%q}`, name, kind))
	}
	return `,"AttributeDefinitions":[` + strings.Join(texts, ",") + `]`
}

func TestCreateTableRefusals(t *testing.T) {
	tb := &table{newName()}
	const v, invalid = "ValidationException: ", "ValidationException: One or more parameter values were invalid: "
	const onDemand, all = `,"BillingMode":"PAY_PER_REQUEST"`, `"Projection":{"ProjectionType":"ALL"}`
	const gsi, lsi = `,"GlobalSecondaryIndexes":[{"IndexName":"the-index",`, `,"LocalSecondaryIndexes":[{"IndexName":"the-index",`
	key, defined := keySchema("pk HASH"), attributeDefinitions("pk S")
	tb.steps(t, []step{
		{"short name", "CreateTable", `{"TableName":"ab",` + key + defined + onDemand + `}`, v + "…"},
		{"long name", "CreateTable", `{"TableName":` + quoted("a", 256) + `,` + key + defined + onDemand +
			`}`, v + "…"},
		{"bad name", "CreateTable", `{"TableName":"a;b",` + key + defined + onDemand + `}`,
			v + "…Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+…"},
		{"no schema", "CreateTable", `{` + strings.TrimPrefix(defined, ",") + onDemand + `}`, v + "…"},
		{"range first", "CreateTable", `{` + keySchema("pk RANGE") + defined + onDemand + `}`,
			v + "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
		{"two hashes", "CreateTable", `{` + keySchema("pk HASH", "sk HASH") + attributeDefinitions("pk S", "sk S") +
			onDemand + `}`, v + "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"},
		{"one twice", "CreateTable", `{` + keySchema("pk HASH", "pk RANGE") + attributeDefinitions("pk S", "sk S") +
			onDemand + `}`, v + "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
		{"three elements", "CreateTable", `{` + keySchema("pk HASH", "sk RANGE", "tk RANGE") +
			attributeDefinitions("pk S", "sk S", "tk S") + onDemand + `}`, v + "…"},
		{"undefined", "CreateTable", `{` + keySchema("pk HASH", "sk RANGE") + attributeDefinitions("pk S", "x S") +
			onDemand + `}`, invalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: …"},
		{"defined for nothing", "CreateTable",
			`{` + key + attributeDefinitions("pk S", "x S") + onDemand + `}`, invalid + "…"},
		{"a bad type", "CreateTable", `{` + key + attributeDefinitions("pk BOOL") + onDemand + `}`,
			v + "…Member must satisfy enum value set: …"},
		{"on demand with units", "CreateTable",
			`{` + key + defined + onDemand +
				`,"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`,
			invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
		{"provisioned without units", "CreateTable", `{` + key + defined + `,"BillingMode":"PROVISIONED"}`,
			invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
		{"by default provisioned", "CreateTable", `{` + key + defined + `}`,
			invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
		{"no units at all", "CreateTable", `{` + key + defined +
			`,"ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":1}}`,
			v + "…Member must have value greater than or equal to 1…"},
		{"local index without sort key of the table", "CreateTable",
			`{` + key + attributeDefinitions("pk S", "x S") + onDemand + lsi +
				keySchema("pk HASH", "x RANGE") + `,` + all +
				`}]}`, invalid + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"},
		{"local index without sort key", "CreateTable",
			`{` + keySchema("pk HASH", "sk RANGE") + attributeDefinitions("pk S", "sk S") + onDemand + lsi +
				keySchema("pk HASH") + `,` + all + `}]}`,
			invalid + "Index KeySchema does not have a range key for index: the-index"},
		{"local index with another partition key", "CreateTable",
			`{` + keySchema("pk HASH", "sk RANGE") + attributeDefinitions("pk S", "sk S") + onDemand + lsi +
				keySchema("sk HASH", "pk RANGE") + `,` + all + `}]}`,
			invalid + "Index KeySchema does not have the same leading hash key as table KeySchema for index: the-index. index hash key: sk, table hash key: pk"},
		{"include without names", "CreateTable",
			`{` + key + attributeDefinitions("pk S", "x S") + onDemand + gsi + keySchema("x HASH") +
				`,"Projection":{"ProjectionType":"INCLUDE"}}]}`,
			invalid + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"},
		{"all with names", "CreateTable", `{` + key + attributeDefinitions("pk S", "x S") + onDemand + gsi +
			keySchema("x HASH") + `,"Projection":{"ProjectionType":"ALL","NonKeyAttributes":["y"]}}]}`,
			invalid + "ProjectionType is ALL, but NonKeyAttributes is specified"},
		{"no projection type", "CreateTable",
			`{` + key + attributeDefinitions("pk S", "x S") + onDemand + gsi + keySchema("x HASH") +
				`,"Projection":{}}]}`,
			invalid + "Unknown ProjectionType: null"},
		{"an empty list of indexes", "CreateTable",
			`{` + key + defined + onDemand + `,"GlobalSecondaryIndexes":[]}`,
			invalid + "List of GlobalSecondaryIndexes is empty"},
		{"units of an index on demand", "CreateTable",
			`{` + key + attributeDefinitions("pk S", "x S") + onDemand + gsi + keySchema("x HASH") + `,` + all +
				`,"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}]}`,
			invalid + "ProvisionedThroughput should not be specified for index: the-index when BillingMode is PAY_PER_REQUEST"},
	})
	tb.call(t, "DescribeTable", "{}").check(t, "ResourceNotFoundException")
}

// Developer Guide, "Quotas": 20 global and 5 local secondary indexes of a
// table.
func TestIndexQuotas(t *testing.T) {
	tb := &table{newName()}
	const invalid = "ValidationException: One or more parameter values were invalid: "
	indexes := func(kind, key string, n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("%s index-%d: %s: ALL", kind, i, key))
		}
		return list
	}
	tb.steps(t, []step{
		{"21 global indexes", "CreateTable", declare("pk S", indexes("GSI", "x S", 21)...),
			invalid + "GlobalSecondaryIndex count exceeds the per-table limit of 20"},
		{"6 local indexes", "CreateTable", declare("pk S, sk S", indexes("LSI", "pk S, x S", 6)...),
			invalid + "Number of LocalSecondaryIndexes exceeds per-table limit of 5"},
	})
	tb.call(t, "DescribeTable", "{}").check(t, "ResourceNotFoundException")
}

func TestListTables(t *testing.T) {
	var names []string
	for range 3 {
		names = append(names, newTable(t, "pk S").name)
	}
	slices.Sort(names)
	var all []string
	start := ""
	for {
		got := call(t.Context(), t, "ListTables", `{"Limit":1`+start+`}`)
		got.check(t, `{}`)
		page, _ := got.at("TableNames").([]any)
		for _, name := range page {
			all = append(all, name.(string))
		}
		if got.at("LastEvaluatedTableName") == nil {
			break
		}
		start = fmt.Sprintf(`,"ExclusiveStartTableName":%q`, got.at("LastEvaluatedTableName"))
	}
	if !slices.IsSorted(all) && target.local {
		t.Errorf("got the names %s, want them sorted", all)
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			t.Errorf("got the names %s, want %s among them", all, name)
		}
	}
	for request, want := range map[string]string{`{"Limit":0}`: "…greater than or equal to 1…",
		`{"Limit":101}`: "…less than or equal to 100…"} {
		call(t.Context(), t, "ListTables", request).check(t, "ValidationException: "+want)
	}
}

func TestUpdateTable(t *testing.T) {
	tb := newTable(t, "pk S")
	const invalid = "ValidationException: One or more parameter values were invalid: "
	tb.call(t, "UpdateTable", `{}`).check(t, "ValidationException: …At least one of …")
	tb.call(t, "UpdateTable", `{"BillingMode":"PROVISIONED"}`).check(t, invalid+"…")
	tb.call(t, "UpdateTable", `{"DeletionProtectionEnabled":true}`).check(t,
		`{"TableDescription":{"TableStatus":"UPDATING"}}`)
	tb.active(t)
	tb.call(t, "DeleteTable", `{}`).check(t,
		"ValidationException: Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	tb.must(t, "UpdateTable", `{"DeletionProtectionEnabled":false}`)
	tb.active(t)
	tb.must(t, "UpdateTable", `{"BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}`)
	tb.active(t)
	tb.call(t, "DescribeTable", `{}`).check(t,
		`{"Table":{"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}}`)
}

// API reference, GlobalSecondaryIndexUpdate and Projection.
func TestIndexUpdates(t *testing.T) {
	tb := newTable(t, "pk S", "GSI by-s: s S: ALL")
	const invalid = "ValidationException: One or more parameter values were invalid: "
	create := func(name, attribute, more string) string {
		return `{"Create":{"IndexName":"` + name + `",` + keySchema(attribute+" HASH") +
			`,"Projection":{"ProjectionType":"ALL"}}` + more + `}`
	}
	include := func(names string) string {
		return `{"Create":{"IndexName":"by-x",` + keySchema("x HASH") +
			`,"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":[` + names + `]}}}`
	}
	update := func(elements string, definitions ...string) string {
		return `{"GlobalSecondaryIndexUpdates":[` + elements + `]` + attributeDefinitions(definitions...) + `}`
	}
	const drop = `"Delete":{"IndexName":"by-s"}`
	const one = invalid + "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
	const at = "ValidationException: 1 validation error detected: Value "
	tb.steps(t, []step{
		{"two actions", "UpdateTable", update(create("by-x", "x", ","+drop), "x S"), one},
		{"two actions on one index", "UpdateTable", update(create("by-s", "x", ","+drop), "x S"), one},
		{"no action", "UpdateTable", update(`{}`, "x S"),
			invalid + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"},
		{"one index twice", "UpdateTable", update(`{`+drop+`},{`+drop+`}`, "x S"),
			invalid + "Only one global secondary index update per index is allowed simultaneously. Index: by-s"},
		{"a projected attribute twice", "UpdateTable", update(include(`"a","b","a"`), "x S"),
			invalid + "Duplicate element in NonKeyAttributes: a"},
		{"a long projected name", "UpdateTable", update(include(`"a",`+quoted("n", 256)), "x S"),
			at + "…"},
		{"an empty projected name", "UpdateTable", update(include(`""`), "x S"),
			at + "…"},
		{"no projected attributes", "UpdateTable", update(include(``), "x S"), at + "'[]' at …"},
		{"no definitions", "UpdateTable", `{"GlobalSecondaryIndexUpdates":[` + create("by-pk", "pk", "") + `]}`,
			invalid + "AttributeDefinitions is not specified for index: by-pk"},
		{"a known attribute that is not defined", "UpdateTable", update(create("by-pk", "pk", ""), "x S"),
			invalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [pk], AttributeDefinitions: [x]"},
		{"spare definitions, and one of another type", "UpdateTable",
			update(create("by-x", "x", ""), "x N", "spare S", "s B"),
			`{"TableDescription":{"TableStatus":"UPDATING"}}`},
	})
	tb.active(t)
	tb.call(t, "DescribeTable", `{}`).check(t,
		`{"Table":{"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"s","AttributeType":"S"},{"AttributeName":"x","AttributeType":"N"}]}}`)
}

// API reference, OnDemandThroughput.
func TestOnDemandThroughput(t *testing.T) {
	tb := newTable(t, "pk S")
	const invalid = "ValidationException: One or more parameter values were invalid: "
	bounds := func(members string) string { return `{"OnDemandThroughput":{` + members + `}}` }
	for _, s := range []struct{ name, request, want string }{
		{"both", bounds(`"MaxReadRequestUnits":5,"MaxWriteRequestUnits":6`),
			`{"MaxReadRequestUnits":5,"MaxWriteRequestUnits":6}`},
		{"one keeps the other", bounds(`"MaxReadRequestUnits":7`),
			`{"MaxReadRequestUnits":7,"MaxWriteRequestUnits":6}`},
		{"-1 removes", bounds(`"MaxWriteRequestUnits":-1`), `{"MaxReadRequestUnits":7,"MaxWriteRequestUnits":null}`},
		{"-1 removes the last", bounds(`"MaxReadRequestUnits":-1`), `null`},
		{"again", bounds(`"MaxReadRequestUnits":8`), `{"MaxReadRequestUnits":8}`},
		{"provisioned clears", `{"BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}`, `null`},
		{"on demand again", `{"BillingMode":"PAY_PER_REQUEST"}`, `null`},
	} {
		t.Run(s.name, func(t *testing.T) {
			tb.must(t, "UpdateTable", s.request)
			tb.active(t)
			tb.call(t, "DescribeTable", `{}`).check(t, `{"Table":{"OnDemandThroughput":`+s.want+`}}`)
		})
	}
	tb.call(t, "UpdateTable", bounds(`"MaxReadRequestUnits":-2`)).check(t,
		invalid+"Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range")
}

// API reference, TagResource; Developer Guide, "Tagging restrictions".
func TestTags(t *testing.T) {
	tb := newTable(t, "pk S")
	arn := tb.must(t, "DescribeTable", "{}").at("Table", "TableArn").(string)
	on := func(more string) string { return fmt.Sprintf(`{"ResourceArn":%q%s}`, arn, more) }
	tags := func() string {
		got := tb.must(t, "ListTagsOfResource", on(""))
		var all []string
		list, _ := got.at("Tags").([]any)
		for _, tag := range list {
			all = append(all, fmt.Sprint(tag.(map[string]any)["Key"], "=", tag.(map[string]any)["Value"]))
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	wantTags := func(want string) {
		t.Helper()
		eventually(t, "the tags are "+want, func() bool { return tags() == want })
	}
	wantTags("")
	tb.must(t, "TagResource", on(`,"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":""}]`))
	wantTags("a=1 b=")
	tb.must(t, "TagResource", on(`,"Tags":[{"Key":"a","Value":"2"},{"Key":"c","Value":"3"}]`))
	wantTags("a=2 b= c=3")
	tb.must(t, "UntagResource", on(`,"TagKeys":["a","none"]`))
	wantTags("b= c=3")
	tb.steps(t, []step{
		{"no tags", "TagResource", on(`,"Tags":[]`),
			"ValidationException: Atleast one Tag needs to be provided as Input."},
		{"no keys", "UntagResource", on(`,"TagKeys":[]`),
			"ValidationException: Atleast one Tag Key needs to be provided as Input."},
		{"a long key", "TagResource", on(`,"Tags":[{"Key":` + quoted("k", 129) + `,"Value":""}]`),
			"ValidationException"},
		{"a long value", "TagResource", on(`,"Tags":[{"Key":"k","Value":` + quoted("v", 257) + `}]`),
			"ValidationException"},
		{"of nothing", "ListTagsOfResource",
			fmt.Sprintf(`{"ResourceArn":%q}`, strings.Replace(arn, tb.name, "conformance-nothing", 1)),
			"ResourceNotFoundException: Requested resource not found: ResourceArn: …"},
	})
}
