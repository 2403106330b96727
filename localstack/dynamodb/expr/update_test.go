package expr

import (
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

const updateValues = `{
	":1":{"N":"1"}, ":2":{"N":"2"}, ":s":{"S":"new"}, ":l":{"L":[{"S":"x"}]}, ":m":{"M":{"k":{"S":"v"}}}, ":empty":{"L":[]},
	":ss":{"SS":["b","c"]}, ":all":{"SS":["a","b"]}, ":ns":{"NS":["7"]}, ":big":{"N":"9e125"}
}`

const updateItem = `{"pk":{"S":"key"},"n":{"N":"10"},"s":{"S":"old"},"ss":{"SS":["a","b"]},
	"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"a":{"N":"5"},"b":{"M":{"c":{"S":"deep"}}},"l":{"L":[{"S":"e"}]}}}}`

func applyUpdate(t *testing.T, src, item string) (attr.Item, error) {
	t.Helper()
	u, err := newContext(t, `{"#n":"n","#odd":"3 odd.name"}`, updateValues).ParseUpdate(src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	old := parseItem(t, item)
	updated, err := u.Apply(old)
	if !old.Equal(parseItem(t, item)) {
		t.Errorf("update %s changed the old item to %s", src, old)
	}
	return updated, err
}

func TestUpdateApply(t *testing.T) {
	for _, test := range []struct{ src, item, want string }{
		// SET
		{"SET a = :1", `{"pk":{"S":"k"}}`, `{"a":{"N":"1"},"pk":{"S":"k"}}`},
		{"sEt s=:s , #odd=:1", `{"s":{"S":"old"}}`, `{"3 odd.name":{"N":"1"},"s":{"S":"new"}}`},
		{"SET a = n, n = :1", `{"n":{"N":"10"}}`, `{"a":{"N":"10"},"n":{"N":"1"}}`},
		{"SET n = n + :1", `{"n":{"N":"10"}}`, `{"n":{"N":"11"}}`},
		{"SET n = :1 - n", `{"n":{"N":"10"}}`, `{"n":{"N":"-9"}}`},
		{"SET n = (n - :1)", `{"n":{"N":"10"}}`, `{"n":{"N":"9"}}`},
		{"SET n = ((n)+(:1))", `{"n":{"N":"10"}}`, `{"n":{"N":"11"}}`},
		{"SET n = if_not_exists(n, :1) + :2", `{}`, `{"n":{"N":"3"}}`},
		{"SET n = if_not_exists(n, :1) + :2", `{"n":{"N":"10"}}`, `{"n":{"N":"12"}}`},
		{"SET a = if_not_exists(b, if_not_exists(c, :1))", `{"c":{"S":"c"}}`, `{"a":{"S":"c"},"c":{"S":"c"}}`},
		{"SET l = list_append(l, :l)", `{"l":{"L":[{"N":"0"}]}}`, `{"l":{"L":[{"N":"0"},{"S":"x"}]}}`},
		{"SET l = list_append(:l, l)", `{"l":{"L":[{"N":"0"}]}}`, `{"l":{"L":[{"S":"x"},{"N":"0"}]}}`},
		{"SET l = list_append(if_not_exists(l, :empty), :l)", `{}`, `{"l":{"L":[{"S":"x"}]}}`},
		{"SET m.x = :1", `{"m":{"M":{}}}`, `{"m":{"M":{"x":{"N":"1"}}}}`},
		{"SET m.a = :1, m.b.c = m.a", `{"m":{"M":{"a":{"N":"5"},"b":{"M":{}}}}}`,
			`{"m":{"M":{"a":{"N":"1"},"b":{"M":{"c":{"N":"5"}}}}}}`},
		{"SET l[1] = :s", `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"}]}}`,
			`{"l":{"L":[{"N":"0"},{"S":"new"},{"N":"2"}]}}`},
		{"SET l[7] = :s", `{"l":{"L":[{"N":"0"}]}}`, `{"l":{"L":[{"N":"0"},{"S":"new"}]}}`},
		{"SET l[84] = :1, l[17] = :2, l[50] = :s", `{"l":{"L":[{"N":"0"}]}}`,
			`{"l":{"L":[{"N":"0"},{"N":"2"},{"S":"new"},{"N":"1"}]}}`},
		{"SET l[0].k[1] = :1", `{"l":{"L":[{"M":{"k":{"L":[{"N":"0"},{"N":"0"}]}}}]}}`,
			`{"l":{"L":[{"M":{"k":{"L":[{"N":"0"},{"N":"1"}]}}}]}}`},
		// REMOVE
		{"REMOVE n, gone", `{"n":{"N":"1"},"s":{"S":"x"}}`, `{"s":{"S":"x"}}`},
		{"REMOVE m.a, m.gone", `{"m":{"M":{"a":{"N":"1"}}}}`, `{"m":{"M":{}}}`},
		{"REMOVE l[1], l[9]", `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"}]}}`, `{"l":{"L":[{"N":"0"},{"N":"2"}]}}`},
		{"REMOVE l[0]", `{"l":{"L":[{"N":"0"}]}}`, `{"l":{"L":[]}}`},
		{"REMOVE l[1] SET l[3] = :s", `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"},{"N":"4"}]}}`,
			`{"l":{"L":[{"N":"0"},{"N":"2"},{"S":"new"},{"N":"4"}]}}`},
		{"REMOVE n SET a = n", `{"n":{"N":"1"}}`, `{"a":{"N":"1"}}`},
		// ADD
		{"ADD n :1", `{"n":{"N":"10"}}`, `{"n":{"N":"11"}}`},
		{"ADD n :1, ss :ss", `{}`, `{"n":{"N":"1"},"ss":{"SS":["b","c"]}}`},
		{"ADD ss :ss", `{"ss":{"SS":["a","b"]}}`, `{"ss":{"SS":["a","b","c"]}}`},
		{"ADD m.n :1", `{"m":{"M":{}}}`, `{"m":{"M":{"n":{"N":"1"}}}}`},
		// DELETE
		{"DELETE ss :ss", `{"ss":{"SS":["a","b"]}}`, `{"ss":{"SS":["a"]}}`},
		{"DELETE ss :all", `{"ss":{"SS":["a","b"]}}`, `{}`},
		{"DELETE ss :ss", `{}`, `{}`},
		{"DELETE m.ss :all", `{"m":{"M":{"ss":{"SS":["a"]}}}}`, `{"m":{"M":{}}}`},
		// All sections in one expression.
		{"SET #n = :1 REMOVE s ADD c :1 DELETE ss :ss", updateItem,
			`{"c":{"N":"1"},"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]},` +
				`"m":{"M":{"a":{"N":"5"},"b":{"M":{"c":{"S":"deep"}}},"l":{"L":[{"S":"e"}]}}},"n":{"N":"1"},"pk":{"S":"key"},"ss":{"SS":["a"]}}`},
	} {
		updated, err := applyUpdate(t, test.src, test.item)
		if err != nil || updated.String() != test.want {
			t.Errorf("update %s of %s: got %s, %v, want %s", test.src, test.item, updated, err, test.want)
		}
	}
}

func TestUpdateApplyErrors(t *testing.T) {
	const (
		operand = "An operand in the update expression has an incorrect data type"
		missing = "The provided expression refers to an attribute that does not exist in the item"
		path    = "The document path provided in the update expression is invalid for update"
	)
	for src, want := range map[string]string{
		"SET a = gone":                      missing,
		"SET x = :1, y = x":                 missing,
		"SET a = list_append(gone, :l)":     missing,
		"SET a = gone + :1":                 missing,
		"SET a = if_not_exists(gone, lost)": missing,
		"SET a = s + :1":                    operand,
		"SET a = :1 - s":                    operand,
		"SET a = list_append(s, :l)":        operand,
		"SET a = list_append(:l, m)":        operand,
		"SET a = if_not_exists(s, :1) + :1": operand,
		"ADD s :1":                          operand,
		"ADD n :ss":                         operand,
		"ADD ss :ns":                        operand,
		"ADD l :1":                          operand,
		"DELETE ss :ns":                     operand,
		"DELETE n :ns":                      operand,
		"SET s.a = :1":                      path,
		"SET l.a = :1":                      path,
		"SET gone.a = :1":                   path,
		"SET m[0] = :1":                     path,
		"SET s[0] = :1":                     path,
		"SET gone[0] = :1":                  path,
		"SET m.gone.a = :1":                 path,
		"SET l[9].a = :1":                   path,
		"REMOVE s.a":                        path,
		"REMOVE gone.a":                     path,
		"REMOVE m[0]":                       path,
		"ADD gone.a :1":                     path,
		"DELETE l.a :ss":                    path,
		"SET a = :big + :big":               "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"ADD n :big":                        "Number overflow. Attempting to store a number with magnitude larger than supported range",
	} {
		updated, err := applyUpdate(t, src, updateItem)
		wantInvalid(t, src, err, want)
		if updated != nil {
			t.Errorf("update %s: got %s with the error, want none", src, updated)
		}
	}
}

// An update cannot nest values deeper than DynamoDB's limit.
func TestUpdateDepth(t *testing.T) {
	deep := `{"N":"1"}`
	for range attr.MaxDepth - 2 {
		deep = `{"M":{"a":` + deep + `}}`
	}
	c := newContext(t, "", `{":deep":`+deep+`}`)
	for src, fits := range map[string]bool{"SET x = :deep": true, "SET m.x = :deep": true, "SET m.m.x = :deep": false} {
		u, err := c.ParseUpdate(src)
		if err != nil {
			t.Fatal(err)
		}
		_, err = u.Apply(parseItem(t, `{"m":{"M":{"m":{"M":{}}}}}`))
		if (err == nil) != fits {
			t.Errorf("update %s: got %v, want success %t", src, err, fits)
		}
	}
}

func TestUpdateReturnValues(t *testing.T) {
	for _, test := range []struct{ src, before, after string }{
		{"SET s = :s, a = :1", `{"s":{"S":"old"}}`, `{"a":{"N":"1"},"s":{"S":"new"}}`},
		{"REMOVE s", `{"s":{"S":"old"}}`, `{}`},
		{"SET m.a = :1, l[1] = :2", `{"l":{"L":[{"N":"1"}]},"m":{"M":{"a":{"N":"5"}}}}`,
			`{"l":{"L":[{"N":"2"}]},"m":{"M":{"a":{"N":"1"}}}}`},
		{"SET m.x = :1, m.y = :2", `{}`, `{"m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}}}`},
		{"SET l[100] = :1", `{}`, `{}`},
		{"REMOVE l[1], l[9]", `{"l":{"L":[{"N":"1"}]}}`, `{"l":{"L":[{"N":"2"}]}}`},
		{"ADD n :1 DELETE ss :all", `{"n":{"N":"10"},"ss":{"SS":["a","b"]}}`, `{"n":{"N":"11"}}`},
	} {
		u, err := newContext(t, "", updateValues).ParseUpdate(test.src)
		if err != nil {
			t.Fatal(err)
		}
		old := parseItem(t, updateItem)
		updated, err := u.Apply(old)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.UpdatedOld(old).String(); got != test.before {
			t.Errorf("%s: UPDATED_OLD: got %s, want %s", test.src, got, test.before)
		}
		if got := u.UpdatedNew(updated).String(); got != test.after {
			t.Errorf("%s: UPDATED_NEW: got %s, want %s", test.src, got, test.after)
		}
	}
}

func TestUpdateAttributes(t *testing.T) {
	u, err := newContext(t, `{"#k":"k.1"}`,
		updateValues).ParseUpdate("REMOVE b[2] SET a.b = x, #k = a, a.c = :1 ADD d :1")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Attributes(), []string{"b", "a", "k.1", "d"}; !slices.Equal(got, want) {
		t.Errorf("Attributes = %q, want %q", got, want)
	}
}

func TestUpdateParseErrors(t *testing.T) {
	const (
		syntax   = "Syntax error; token: "
		name     = "Invalid function name; function: "
		inUpdate = "The function is not allowed in an update expression; function: "
		keyword  = "Attribute name is a reserved keyword; reserved keyword: "
		noName   = "An expression attribute name used in the document path is not defined; attribute name: "
		noValue  = "An expression attribute value used in expression is not defined; attribute value: "
		rest     = "; must remove or rewrite one of these paths; path one: "
		overlap  = "Two document paths overlap with each other" + rest
		conflict = "Two document paths conflict with each other" + rest
		operator = "Incorrect operand type for operator or function; operator: "
		operand  = "Incorrect operand type for operator or function; operator or function: "
		count    = "Incorrect number of operands for operator or function; operator or function: "
		needPath = "Operator or function requires a document path; operator or function: "
	)
	for src, want := range map[string]string{
		"":                                    "The expression can not be empty;",
		"INVALID SYNTAX HERE":                 syntax + `"INVALID", near: "INVALID SYNTAX"`,
		"whatever":                            syntax + `"whatever", near: "whatever"`,
		"SET":                                 syntax + `"<EOF>", near: "SET"`,
		"set a":                               syntax + `"<EOF>", near: "a"`,
		"set a=set":                           syntax + `"set", near: "=set"`,
		"SET _123 = :1":                       syntax + `"_", near: "SET _123"`,
		"ADD hits : incr":                     syntax + `":", near: "hits : incr"`,
		"SET a = :1,":                         syntax + `"<EOF>", near: ","`,
		"remove a = b":                        syntax + `"=", near: "a = b"`,
		"add a = b":                           syntax + `"=", near: "a = b"`,
		"delete a b":                          syntax + `"b", near: "a b"`,
		"add a if_not_exist(b)":               syntax + `"if_not_exist", near: "a if_not_exist("`,
		"set :a = b":                          syntax + `":a", near: "set :a ="`,
		"set a = b / c":                       syntax + `"/", near: "b / c"`,
		"set a[1] = 1":                        syntax + `"1", near: "= 1"`,
		"set a[:1] = b":                       syntax + `":1", near: "[:1]"`,
		"SET if_not_exist(a, b) = a":          syntax + `"(", near: "if_not_exist(a"`,
		"set (a = (b + c))":                   syntax + `"(", near: "set (a"`,
		"set a = (b.c).d + e":                 syntax + `".", near: ").d"`,
		"set a = b + c + d":                   syntax + `"+", near: "c + d"`,
		"set a = (b + c) + d":                 syntax + `"+", near: ") + d"`,
		"SET c = if_not_exists(c, :1+:2)":     syntax + `"+", near: ":1+:2"`,
		"SET c = if_not_exists(c, (:1+:2))":   syntax + `")", near: "))"`,
		"SET a = _f(b)":                       syntax + `"_", near: "= _f"`,
		"SET a = ((b))":                       "The expression has redundant parentheses;",
		"SET a = f123_hi(b,c,d)":              name + "f123_hi",
		"SET a = LIST_APPEND(:l, :l)":         name + "LIST_APPEND",
		"set #c = if_not_exist(:c) set c = d": name + "if_not_exist",
		"SET a = size(b)":                     inUpdate + "size",
		"SET a = contains(b, c)":              inUpdate + "contains",
		"SET a = list_append(list_append(:l, :l), :l)":            "The function is not allowed to be used this way in an expression; function: list_append",
		" set #c = :c set abOrt = true ":                          keyword + "abOrt",
		" remove Absolute ":                                       keyword + "Absolute",
		"set a = #c set c = :d":                                   `The "SET" section can only be used once in an update expression;`,
		"remove #d set a = b remove e":                            `The "REMOVE" section can only be used once in an update expression;`,
		"add #d :e set a = b add e :f":                            `The "ADD" section can only be used once in an update expression;`,
		"delete #d :e set a = b delete #e :f":                     `The "DELETE" section can only be used once in an update expression;`,
		"SET #c = if_not_exists(:c)":                              noName + "#c",
		"SET #a = if_not_exists(:c)":                              noValue + ":c",
		"SET a = :v":                                              noValue + ":v",
		"set d[1] = a, d.b = a, c[1].a = a, c = if_not_exists(a)": overlap + "[c, [1], a], path two: [c]",
		"set c[3].#d = a, c[3] = a":                               overlap + "[c, [3], [3]], path two: [c, [3]]",
		"SET a = :1, #a = :2":                                     overlap + "[a], path two: [a]",
		"REMOVE a SET a = :1":                                     overlap + "[a], path two: [a]",
		"set c[3].#d = a, c.#d[3] = if_not_exists(a)": conflict +
			"[c, [3], [3]], path two: [c, [3], [3]]",
		"remove a.c set a[1] = b": conflict + "[a, c], path two: [a, [1]]",
		"set b = list_append(:s, a), c = if_not_exists(a) add a.b :s": operator +
			"ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"delete a.b :s": operator +
			"DELETE, operand type: STRING, typeSet: ALLOWED_FOR_DELETE_OPERAND",
		"delete a.b :1": operator +
			"DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
		"add a.b :null": operator +
			"ADD, operand type: NULL, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"add a.b :bool": operator +
			"ADD, operand type: BOOLEAN, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"add a.b :bin": operator +
			"ADD, operand type: BINARY, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"add a.b :m": operator +
			"ADD, operand type: MAP, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"delete a.b :l": operator +
			"DELETE, operand type: LIST, typeSet: ALLOWED_FOR_DELETE_OPERAND",
		"set a = if_not_exists(c)":                      count + "if_not_exists, number of operands: 1",
		"set a = list_append(c)":                        count + "list_append, number of operands: 1",
		"set a = list_append(c, d, :l)":                 count + "list_append, number of operands: 3",
		"set a = if_not_exists(:s, c)":                  needPath + "if_not_exists",
		"set a = if_not_exists(if_not_exists(a, b), c)": needPath + "if_not_exists",
		"set a = list_append(:s, a)":                    operand + "list_append, operand type: S",
		"set a = list_append(a, :1)":                    operand + "list_append, operand type: N",
		"set a = a + :s":                                operand + "+, operand type: S",
		"set a = :bin - a":                              operand + "-, operand type: B",
		"set a = a - :ss":                               operand + "-, operand type: SS",
		"set a = a + list_append(:l, :l)":               operand + "+, operand type: L",
		"SET a = " + strings.Repeat("b",
			4089): "Expression size has exceeded the maximum allowed size; expression size: 4097",
	} {
		c := newContext(t, `{"#a":"a","#d":"[3]"}`,
			`{":1":{"N":"1"},":2":{"N":"2"},":s":{"S":"a"},":l":{"L":[]},":m":{"M":{}},":ss":{"SS":["a"]},":bin":{"B":"YQ=="},":bool":{"BOOL":true},":null":{"NULL":true}}`)
		_, err := c.ParseUpdate(src)
		if len(src) > 60 {
			src = src[:60] + "…"
		}
		wantInvalid(t, src, err, "Invalid UpdateExpression: "+want)
	}
}
