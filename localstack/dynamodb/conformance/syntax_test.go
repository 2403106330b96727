package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Developer Guide, "Expression attribute names (aliases)", "Using expression
// attribute values" and "Reserved words in DynamoDB".

func TestPlaceholders(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"a","name":1,"a.b":2,"m":{"name":3,"x-y":4},"l":[{"size":5}]}`)
	const key = `"Key":{"pk":"a"},`
	tb.steps(t, []step{
		{"a name for a reserved word", "GetItem",
			`{` + key + `"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"name"}}`, `{"Item":{"name":1}}`},
		{"a name with a dot in it", "GetItem",
			`{` + key + `"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"a.b"}}`, `{"Item":{"a.b":2}}`},
		{"names within a path", "GetItem", `{` + key +
			`"ProjectionExpression":"m.#n, m.#x, l[0].#s","ExpressionAttributeNames":{"#n":"name","#x":"x-y","#s":"size"}}`, `{"Item":{"m":{"name":3,"x-y":4},"l":[{"size":5}]}}`},
		{"one name twice", "UpdateItem", `{` + key +
			`"UpdateExpression":"SET #n = #n + :one","ExpressionAttributeNames":{"#n":"name"},"ExpressionAttributeValues":{":one":1},"ReturnValues":"UPDATED_NEW"}`, `{"Attributes":{"name":2}}`},
		{"digits and underscores", "GetItem",
			`{` + key + `"ProjectionExpression":"#0_z","ExpressionAttributeNames":{"#0_z":"name"}}`,
			`{"Item":{"name":2}}`},
		{"undefined name", "GetItem", `{` + key + `"ProjectionExpression":"#n"}`,
			"ValidationException: Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; attribute name: #n"},
		{"undefined value", "UpdateItem", `{` + key + `"UpdateExpression":"SET a = :v"}`,
			"ValidationException: Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :v"},
		{"undefined value of a condition", "PutItem", `{"Item":{"pk":"a"},"ConditionExpression":"a = :v"}`,
			"ValidationException: Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v"},
		{"unused name", "GetItem", `{` + key +
			`"ProjectionExpression":"pk","ExpressionAttributeNames":{"#n":"name"}}`,
			"ValidationException: Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}"},
		{"unused value", "PutItem", `{"Item":{"pk":"a"},"ConditionExpression":"attribute_exists(pk)","ExpressionAttributeValues":{":v":1}}`, "ValidationException: Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"},
		{"names without an expression", "GetItem", `{` + key + `"ExpressionAttributeNames":{"#n":"name"}}`,
			"ValidationException: ExpressionAttributeNames can only be specified when using expressions"},
		{"values without an expression", "PutItem",
			`{"Item":{"pk":"a"},"ExpressionAttributeValues":{":v":1}}`,
			"ValidationException: ExpressionAttributeValues can only be specified when using expressions…"},
		{"no names", "GetItem", `{` + key + `"ProjectionExpression":"pk","ExpressionAttributeNames":{}}`,
			"ValidationException: ExpressionAttributeNames must not be empty"},
		{"no values", "PutItem", `{"Item":{"pk":"a"},"ConditionExpression":"attribute_exists(pk)","ExpressionAttributeValues":{}}`, "ValidationException: ExpressionAttributeValues must not be empty"},
		{"a name without hash", "GetItem", `{` + key +
			`"ProjectionExpression":"pk","ExpressionAttributeNames":{"n":"name"}}`,
			`ValidationException: ExpressionAttributeNames contains invalid key: Syntax error; key: "n"`},
		{"a value without colon", "PutItem",
			`{"Item":{"pk":"a"},"ConditionExpression":"attribute_exists(pk)","ExpressionAttributeValues":{"v":1}}`, `ValidationException: ExpressionAttributeValues contains invalid key: Syntax error; key: "v"`},
		{"an empty value", "PutItem", `{"Item":{"pk":"a"},"ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"WIRE":{}}}}`, "ValidationException: ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :v"},
		{"a bad number as value", "PutItem",
			`{"Item":{"pk":"a"},"ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"N":"x"}}}`, "ValidationException: The parameter cannot be converted to a numeric value: x"},
		{"an empty condition", "PutItem", `{"Item":{"pk":"a"},"ConditionExpression":""}`,
			"ValidationException: Invalid ConditionExpression: The expression can not be empty;"},
		{"an empty projection", "GetItem", `{` + key + `"ProjectionExpression":""}`,
			"ValidationException: Invalid ProjectionExpression: The expression can not be empty;"},
		{"an empty filter", "Scan", `{"FilterExpression":""}`,
			"ValidationException: Invalid FilterExpression: The expression can not be empty;"},
		{"an empty key condition", "Query", `{"KeyConditionExpression":""}`,
			"ValidationException: Invalid KeyConditionExpression: The expression can not be empty;"},
	})
}

func TestSyntaxErrors(t *testing.T) {
	tb := newTable(t, "pk S")
	checkConditions(t, tb, `{"pk":"item","a":1}`, []conditionTest{
		{"a = ", `Syntax error; token: "<EOF>", near: "="`},
		{"a", `Syntax error; token: "<EOF>", near: "a"`},
		{"= {1}", `Syntax error; token: "=", near: "= …`},
		{"a == {1}", `Syntax error; token: "=", near: "== …`},
		{"a != {1}", `Syntax error; token: "!", near: "a !="…`},
		{"(a = {1}", `Syntax error; token: "<EOF>", near: "…`},
		{"a = {1} AND", `Syntax error; token: "<EOF>", near: "AND"`},
		{"a = {1} XOR a = {2}", `Syntax error; token: "XOR", near: "…`},
		{"a = 1", `Syntax error; token: "1", near: "= 1"`},
		{`a = 'x'`, `Syntax error; token: "'", near: "…`},
		{"a.1 = {1}", `Syntax error; token: "…`},
		{"a[x] = {1}", `Syntax error; token: "x", near: "[x]"`},
		{"a[-1] = {1}", `Syntax error; token: "-", near: "[-1"`},
		{"a[] = {1}", `Syntax error; token: "]", near: "[]…`},
		{"_a = {1}", `Syntax error; token: "_", near: "_a…`},
		{"a = {1}, a = {2}", `Syntax error; token: ",", near: "…`},
	})
}

func TestPaths(t *testing.T) {
	tb := newTable(t, "pk S")
	checkConditions(t, tb, `{"pk":"item","a":{"b":{"c":[10,[20,{"d":30}]]}},"l":[[1,2],[3]]}`, []conditionTest{
		{"a.b.c[0] = {10}", yes}, {"a.b.c[1][0] = {20}", yes}, {"a.b.c[1][1].d = {30}", yes},
		{"l[0][1] = {2}", yes}, {"l[1][1] = {2}", no},
		{"a . b . c [ 0 ] = {10}", yes}, {"a.b.c[00] = {10}", yes}, {"attribute_exists(a.b.c[1000000])", no},
		{"a.b.c = {10}", no}, {"a.b[0] = {10}", no}, {"l.b = {10}", no},
		{"A.b.c[0] = {10}", no}, // names are case-sensitive
		{"attribute_exists(" + strings.Repeat("a.", 31) + "a)", no},
		{"attribute_exists(" + strings.Repeat("a.", 32) + "a)",
			"The document path has too many nesting levels; nesting levels: 33…"},
	})
}

// TestReservedWords uses every word of the published list as a name. A word is
// reserved in upper and lower case, and only as a complete element of a path.
func TestReservedWords(t *testing.T) {
	tb := newTable(t, "pk S")
	list, err := os.ReadFile(filepath.Join("testdata", "reserved-words.txt"))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(list))
	if len(words) != 573 {
		t.Fatalf("got %d words, want 573", len(words))
	}
	for i, word := range words {
		if i%2 == 1 {
			word = strings.ToLower(word)
		}
		got := tb.call(t, "GetItem", fmt.Sprintf(`{"Key":{"pk":"a"},"ProjectionExpression":"m.%s"}`, word))
		want := "ValidationException: Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: " + word
		// Keywords of expressions may be a syntax error instead.
		keyword := slices.Contains(strings.Fields("ADD AND BETWEEN DELETE IN NOT OR SET"), strings.ToUpper(word))
		if got.String() != want && !(keyword &&
			strings.HasPrefix(got.String(), "ValidationException: Invalid ProjectionExpression: ")) {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
	tb.put(t, `{"pk":"a","remove":1,"names2":2,"statusx":3}`)
	tb.steps(t, []step{
		{"not reserved", "GetItem", `{"Key":{"pk":"a"},"ProjectionExpression":"remove, names2, statusx"}`,
			`{"Item":{"remove":1,"names2":2,"statusx":3}}`},
		{"in a condition", "PutItem", `{"Item":{"pk":"b"},"ConditionExpression":"attribute_not_exists(Status)"}`, "ValidationException: Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: Status"},
		{"in an update", "UpdateItem", `{"Key":{"pk":"b"},"UpdateExpression":"SET ttl = :v","ExpressionAttributeValues":{":v":1}}`, "ValidationException: Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: ttl"},
		{"in a key condition", "Query", `{"KeyConditionExpression":"hash = :v","ExpressionAttributeValues":{":v":1}}`, "ValidationException: Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: hash"},
		{"in a filter", "Scan", `{"FilterExpression":"size > :v","ExpressionAttributeValues":{":v":1}}`,
			"ValidationException: Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: size"},
	})
}

// Developer Guide, "Quotas and limits", "Expression parameters".
func TestExpressionLimits(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"a","a":1}`)
	condition := func(c string) string {
		return fmt.Sprintf(`{"Item":{"pk":"a","a":1},"ConditionExpression":%q,"ExpressionAttributeValues":{":v":1}}`, c)
	}
	padded := func(n int) string { return condition("a = :v" + strings.Repeat(" ", n-len("a = :v"))) }
	names := func(n int) string {
		return fmt.Sprintf(`{"Key":{"pk":"a"},"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":%s}}`,
			quoted("n", n))
	}
	variable := func(n int) string {
		name := "#" + strings.Repeat("n", n-1)
		return fmt.Sprintf(`{"Key":{"pk":"a"},"ProjectionExpression":%q,"ExpressionAttributeNames":{%q:"a"}}`,
			name, name)
	}
	operators := func(n int) string { // n comparisons need n-1 ORs
		return condition(strings.Repeat("a<:v OR ", n-1) + "a=:v")
	}
	tb.steps(t, []step{
		{"4 KB of expression", "PutItem", padded(4096), "{}"},
		{"one byte more", "PutItem", padded(4097),
			"ValidationException: Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097"},
		{"an attribute name of 64 KB", "GetItem", names(65535), "{}"},
		{"one byte more", "GetItem", names(65536), "ValidationException"},
		{"a substitution variable of 255 bytes", "GetItem", variable(255), `{"Item":{"a":1}}`},
		{"one byte more", "GetItem", variable(256), "ValidationException"},
		{"299 operators", "PutItem", operators(150), "{}"},
		{"303 operators", "PutItem", operators(152),
			"ValidationException: Invalid ConditionExpression: The expression contains too many operators; operator count: 30…"},
	})
}
