package expr

import (
	"fmt"
	"strings"
	"testing"
)

const conditionItem = `{
	"n":{"N":"5"}, "neg":{"N":"-5"}, "s":{"S":"hello"}, "b":{"B":"aGVsbG8="}, "t":{"BOOL":true}, "nul":{"NULL":true},
	"ss":{"SS":["x","y"]}, "ns":{"NS":["1","2"]}, "bs":{"BS":["AA=="]},
	"l":{"L":[{"N":"1"},{"S":"two"},{"L":[{"S":"deep"}]}]},
	"m":{"M":{"a":{"N":"5"},"b":{"M":{"c":{"S":"hello"}}}}},
	"uni":{"S":"é𝄞"}, "a.b":{"S":"dotted"}
}`

const conditionValues = `{
	":5":{"N":"5.0"}, ":1":{"N":"1"}, ":2":{"N":"2"}, ":3":{"N":"3"}, ":6":{"N":"6"}, ":9":{"N":"9"}, ":0":{"N":"0"},
	":hello":{"S":"hello"}, ":he":{"S":"he"}, ":ell":{"S":"ell"}, ":x":{"S":"x"}, ":empty":{"S":""},
	":bhello":{"B":"aGVsbG8="}, ":bhe":{"B":"aGU="}, ":true":{"BOOL":true}, ":null":{"NULL":true},
	":yx":{"SS":["y","x"]}, ":deep":{"L":[{"S":"deep"}]}, ":map":{"M":{"c":{"S":"hello"}}}, ":dotted":{"S":"dotted"},
	":S":{"S":"S"}, ":N":{"S":"N"}, ":L":{"S":"L"}, ":NULL":{"S":"NULL"}, ":ns":{"NS":["1"]}
}`

func TestConditionEval(t *testing.T) {
	item := parseItem(t, conditionItem)
	for src, want := range map[string]bool{
		// Equality compares type and value.
		"n = :5": true, ":5 = n": true, "n = :1": false, "n <> :1": true, "n <> :5": false,
		"s = :hello": true, "s = :bhello": false, "s <> :bhello": true, "b = :bhello": true,
		"t = :true": true, "nul = :null": true, "ss = :yx": true, "l[2] = :deep": true, "m.b = :map": true,
		"n = m.a": true, "s = m.b.c": true, "n = s": false,
		// A missing attribute is equal to nothing.
		"gone = :5": false, "gone <> :5": true, "gone = lost": false, "gone <> lost": true, "m.gone = :5": false,
		"l[9] = :5": false, "n.a = :5": false, "n[0] = :5": false,
		// Only values of one type have an order.
		"n < :6": true, "n < :5": false, "n <= :5": true, "n > :1": true, "n >= :5": true,
		"n >= :6": false, "neg < :0": true,
		"s < :x": true, "s > :ell": true, "b > :bhe": true, "s < :6": false, "s >= :6": false,
		"gone < :5": false, ":5 > gone": false,
		"l < :5": false, "t < :5": false,
		"n BETWEEN :1 AND :9": true, "n BETWEEN :5 AND :5": true, "n between :6 and :9": false,
		"n BETWEEN neg AND :9": true,
		"n BETWEEN :6 AND neg": false, "gone BETWEEN :1 AND :9": false, "s BETWEEN :ell AND :x": true,
		"(n)BETWEEN(neg)AND(:9)": true, "n BETWEEN s AND :9": false,
		"n IN (:1, :5)": true, "n IN (:1, s, :2)": false, "s in (n, :hello)": true, "gone IN (:1)": false,
		"l[2] IN (:deep)": true,
		// Precedence: NOT, AND, OR.
		"n = :1 OR n = :5 AND s = :hello": true, "(n = :1 OR n = :5) AND s = :x": false,
		"n = :5 OR n = :1 AND s = :x": true,
		"NOT n = :1":                  true, "NOT n = :1 AND s = :x": false,
		"NOT (n = :1 AND s = :x)": true, "not not n = :5": true,
		"NOT gone < :5": true, "((n = :1) OR (n = :5))": true, "n BETWEEN :1 AND :9 AND s = :x": false,
		// Functions.
		"attribute_exists(n)": true, "attribute_exists(m.b.c)": true, "attribute_exists(l[2][0])": true,
		"attribute_exists(l[3])": false,
		"attribute_exists(gone)": false, "attribute_not_exists(gone)": true, "attribute_not_exists (m.a)": false,
		"attribute_not_exists(m.gone.deeper)": true, "attribute_exists(nul)": true,
		"attribute_type(s, :S)": true, "attribute_type(n, :S)": false, "attribute_type(:5, :N)": true,
		"attribute_type(nul, :NULL)": true,
		"attribute_type(gone, :S)":   false, "attribute_type(l, :L)": true,
		"begins_with(s, :he)": true, "begins_with(s, :ell)": false, "begins_with(b, :bhe)": true,
		"begins_with(s, :bhe)":   false,
		"begins_with(s, :empty)": true, "begins_with(n, :he)": false, "begins_with(gone, :he)": false,
		"begins_with(:hello, m.b.c)": true,
		"begins_with(:hello, :he)":   true, "begins_with(l[1], s)": false,
		"contains(s, :ell)": true, "contains(s, :x)": false, "contains(b, :bhe)": true, "contains(s, :bhe)": false,
		"contains(ss, :x)": true, "contains(ss, :he)": false, "contains(ns, :2)": true,
		"contains(ns, :x)": false, "contains(ns, :ns)": false,
		"contains(l, :1)": true, "contains(l, :deep)": true, "contains(l, :5)": false,
		"contains(gone, :5)": false, "contains(n, :5)": false,
		"contains(m, :5)": false, "contains(:hello, gone)": false,
		"size(s) = :5": true, "size(b) = :5": true, "size(ss) = :2": true, "size(l) = :3": true,
		"size(m) = :2": true, "size(bs) = :1": true,
		"size(uni) = :3": true, "size(n) = :1": false, "size(n) <> :1": true, "size(t) = :1": false,
		"size(gone) = :0":   false,
		"size(s) > size(l)": true, "size(s) BETWEEN :1 AND :9": true, "size(s) IN (:5)": true,
		"size(s) = n": true, "size(s) = :hello": false,
		"n = size(s)": true, "size(m.b) = :1": true, "size(:hello) = :5": true, ":5 > :1": true,
		// Names.
		"#dot = :dotted": true, "m.#b.c = :hello": true, "#m.#b.c = s": true, "n=:5 and(s=:hello)": true,
	} {
		c := newContext(t, `{"#dot":"a.b","#m":"m","#b":"b"}`, conditionValues)
		cond, err := c.ParseCondition("FilterExpression", src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := cond.Eval(item); err != nil || got != want {
			t.Errorf("%s: got %t, %v, want %t", src, got, err, want)
		}
	}
}

func TestConditionOnMissingItem(t *testing.T) {
	for src, want := range map[string]bool{
		"attribute_not_exists(pk)": true, "attribute_exists(pk)": false, "n = :5": false, "n <> :5": true,
		"size(n) > :0": false,
	} {
		cond, err := newContext(t, "", conditionValues).ParseCondition("ConditionExpression", src)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := cond.Eval(nil); got != want {
			t.Errorf("%s: got %t, want %t", src, got, want)
		}
	}
}

func TestConditionPaths(t *testing.T) {
	cond, err := newContext(t, `{"#a":"x.y"}`, conditionValues).ParseCondition("FilterExpression",
		"size(m.b[2]) > :1 AND #a IN (:1, k) OR attribute_exists(k)")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(cond.Paths()), "[[m, b, [2]] [x.y] [k] [k]]"; got != want {
		t.Errorf("Paths = %s, want %s", got, want)
	}
}

func TestConditionErrors(t *testing.T) {
	const (
		syntax   = "Syntax error; token: "
		parens   = "The expression has redundant parentheses;"
		name     = "Invalid function name; function: "
		misuse   = "The function is not allowed to be used this way in an expression; function: "
		keyword  = "Attribute name is a reserved keyword; reserved keyword: "
		noName   = "An expression attribute name used in the document path is not defined; attribute name: "
		noValue  = "An expression attribute value used in expression is not defined; attribute value: "
		count    = "Incorrect number of operands for operator or function; operator or function: "
		operand  = "Incorrect operand type for operator or function; operator or function: "
		needPath = "Operator or function requires a document path; operator or function: "
		distinct = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
		bounds   = "lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}"
	)
	for src, want := range map[string]string{
		"":   "The expression can not be empty;",
		"  ": "The expression can not be empty;",

		"a":                        syntax + `"<EOF>", near: "a"`,
		"a-b":                      syntax + `"-", near: "a-b"`,
		"a = ":                     syntax + `"<EOF>", near: "="`,
		"attribute_exists(":        syntax + `"<EOF>", near: "("`,
		"contains (themes, :theme": syntax + `"<EOF>", near: ":theme"`,
		"NOT (a)":                  syntax + `"<EOF>", near: ")"`,
		"things are not gonna":     syntax + `"are", near: "things are not"`,
		"a > 4":                    syntax + `"4", near: "> 4"`,
		"a > between":              syntax + `"between", near: "> between"`,
		"a in b, c":                syntax + `"b", near: "in b,"`,
		"a in (b,c,)":              syntax + `")", near: ",)"`,
		"a in ()":                  syntax + `")", near: "()"`,
		"attribute_exists(a..b)":   syntax + `".", near: "..b"`,
		"attribute_exists(a[b])":   syntax + `"b", near: "[b]"`,
		"b[:a] > a":                syntax + `":a", near: "[:a]"`,
		"b[4.5] > a":               syntax + `".", near: "4.5"`,
		"#$.b > a":                 syntax + `"#", near: "#$"`,
		"ü > a":                    syntax + `"ü", near: "ü >"`,
		"a ! b":                    syntax + `"!", near: "a ! b"`,
		"a > : b":                  syntax + `":", near: "> : b"`,
		"a = b c = d":              syntax + `"c", near: "b c ="`,
		"size(a)[0] > a":           syntax + `"[", near: ")[0"`,
		"a = b AND":                syntax + `"<EOF>", near: "AND"`,
		"a OR b = c":               syntax + `"OR", near: "a OR b"`,
		"(a = b) = c":              syntax + `"=", near: ") = c"`,
		"a = b = c":                syntax + `"=", near: "b = c"`,
		"a BETWEEN b OR c":         syntax + `"OR", near: "b OR c"`,
		"size() > a":               syntax + `")", near: "() >"`,
		"(a = b":                   syntax + `"<EOF>", near: "b"`,
		"a = and":                  syntax + `"and", near: "= and"`,
		"_a = b":                   syntax + `"_", near: "_a"`,

		"a > ((views))":                               parens,
		"a > whatever((:things), ((a)))":              parens,
		"a=b AND ((a=b AND a=b)) AND a=b":             parens,
		"a=b OR ((a=b OR (a=b OR a=b)))":              parens,
		"((attribute_not_exists(pk)))":                parens,
		"a=a and whatever((:things)) > a":             name + "whatever",
		"attRIbute_exIsts((views), #a)":               name + "attRIbute_exIsts",
		"if_not_exists(a, b) = a":                     "The function is not allowed in a condition expression; function: if_not_exists",
		"list_append(a, b) = a":                       "The function is not allowed in a condition expression; function: list_append",
		"a=a and attribute_exists((views), (#a)) > b": misuse + "attribute_exists",
		"attribute_not_exists(things) > b":            misuse + "attribute_not_exists",
		"size(contains(a, b)) > a":                    misuse + "contains",
		"size(things)":                                misuse + "size",
		"NOT size(things)":                            misuse + "size",
		"a between b and attribute_exists(things)":    misuse + "attribute_exists",
		"a in (b, attribute_exists(things))":          misuse + "attribute_exists",
		"attribute_exists(views, #a)":                 keyword + "views",
		":a < abOrT":                                  keyword + "abOrT",

		"attribute_exists(#Pictures.RearView, :a) and a=a":     noName + "#Pictures",
		"(#P between :lo and :hi) and (#PC in (:cat1, :cat2))": noName + "#P",
		"#4g > a":                        noName + "#4g",
		"begins_with(:hello, #a, #b)":    noValue + ":hello",
		":a < :b":                        noValue + ":a",
		"attribute_exists(things, a)":    count + "attribute_exists, number of operands: 2",
		"attribute_type(things)":         count + "attribute_type, number of operands: 1",
		"begins_with(a, size(b), c)":     count + "begins_with, number of operands: 3",
		"contains(things)":               count + "contains, number of operands: 1",
		"size(things, a) > b":            count + "size, number of operands: 2",
		"attribute_type(a, size(b))":     operand + "attribute_type, operand type: N",
		"attribute_type(a, b)":           operand + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
		"attribute_type(a, :n)":          operand + "attribute_type, operand type: N",
		"attribute_type(a, :ss)":         operand + "attribute_type, operand type: SS",
		"attribute_type(a, :s)":          "Invalid attribute type name found; type: str, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		"begins_with(a, size(b))":        operand + "begins_with, operand type: N",
		"begins_with(a, :n)":             operand + "begins_with, operand type: N",
		"begins_with(:m, a)":             operand + "begins_with, operand type: M",
		"size(size(a)) > :n":             operand + "size, operand type: N",
		"size(:bool) > a":                operand + "size, operand type: BOOL",
		"attribute_not_exists(size(:n))": operand + "size, operand type: N",
		"attribute_not_exists(size(:s))": needPath + "attribute_not_exists",
		"attribute_exists(:s)":           needPath + "attribute_exists",
		"a < :l":                         operand + "<, operand type: L",
		":bool >= a":                     operand + ">=, operand type: BOOL",
		"a BETWEEN :ss AND :ss":          operand + "BETWEEN, operand type: SS",

		"a = a AND b = #undefined":              distinct + "=, first operand: [a]",
		"#n <> name1":                           distinct + "<>, first operand: [name1]",
		"contains(ab.bc[1].name1, ab.bc[1].#n)": distinct + "contains, first operand: [ab, bc, [1], name1]",
		"attribute_type(ab.#n, ab.name1)":       distinct + "attribute_type, first operand: [ab, name1]",
		"a BETWEEN b AND a":                     distinct + "BETWEEN, first operand: [a]",
		"a IN (b, a)":                           distinct + "IN, first operand: [a]",
		"a BETWEEN :n AND :s":                   "The BETWEEN operator requires same data type for lower and upper bounds; " + fmt.Sprintf(bounds, "N:1", "S:str"),
		"a BETWEEN :t AND :s":                   "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " + fmt.Sprintf(bounds, "S:t", "S:str"),
		"a[99999999999] = :n":                   "List index is not within the allowable range; index: [99999999999]",
		"a" + strings.Repeat(".b",
			32) + " = :n": "The document path has too many nesting levels; nesting levels: 33",
		"a = :n" + strings.Repeat(" OR a = :n", 150): "The expression contains too many operators; operator count: 301",
		"a = " + strings.Repeat("b",
			4093): "Expression size has exceeded the maximum allowed size; expression size: 4097",
	} {
		c := newContext(t, `{"#n":"name1"}`,
			`{":n":{"N":"1"},":s":{"S":"str"},":t":{"S":"t"},":ss":{"SS":["a"]},":l":{"L":[]},":m":{"M":{}},":bool":{"BOOL":true}}`)
		_, err := c.ParseCondition("FilterExpression", src)
		if len(src) > 60 {
			src = src[:60] + "…"
		}
		wantInvalid(t, src, err, "Invalid FilterExpression: "+want)
	}
}

func TestConditionAtTheLimits(t *testing.T) {
	values := make([]string, 100)
	defined := make([]string, 100)
	for i := range values {
		values[i] = fmt.Sprintf(":v%d", i)
		defined[i] = fmt.Sprintf(`":v%d":{"N":"%d"}`, i, i)
	}
	defs := "{" + strings.Join(defined, ",") + "}"
	for _, src := range []string{
		"a = :v1" + strings.Repeat(" OR a = :v1", 149),     // 299 operators
		"NOT a = :v1" + strings.Repeat(" OR a = :v1", 149), // 300
		"a IN (" + strings.Join(values, ",") + ")",
		"a" + strings.Repeat(".b", 31) + " = :v1",
		"a[2147483647] = :v1",
		"a = " + strings.Repeat("b", 4092),
		strings.Repeat("NOT ", 299) + "attribute_exists(a)",
	} {
		if _, err := newContext(t, "", defs).ParseCondition("ConditionExpression", src); err != nil {
			t.Errorf("ParseCondition(%.60s): %v", src, err)
		}
	}
	_, err := newContext(t, "", `{":v":{"N":"1"}}`).ParseCondition("ConditionExpression",
		"a IN ("+strings.Repeat(":v,", 100)+":v)")
	wantInvalid(t, "IN with 101", err, "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101")
}
