package partiql

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// show returns a statement as expressions, with names and values in the places
// of the placeholders.
func show(s *Statement) string {
	var w Writer
	condition, update := "", ""
	if s.Where != nil {
		condition = " where " + w.Condition(Conjuncts(s.Where)...)
	}
	if s.Sets != nil {
		update = " " + strings.TrimSpace(w.Update(s.Sets))
	}
	out := s.Table
	if s.Index != "" {
		out += "." + s.Index
	}
	for i, c := range s.Columns {
		out += fmt.Sprint(map[bool]string{true: " columns ", false: ","}[i == 0], c)
	}
	if s.Item != nil {
		out += " " + s.Item.String()
	}
	out += update + condition
	for placeholder, name := range w.Names {
		out = strings.ReplaceAll(out, placeholder, name)
	}
	for placeholder, v := range w.Values {
		out = strings.ReplaceAll(out, placeholder, v.String())
	}
	if s.Order != nil {
		out += fmt.Sprint(" order ", s.Order.Path, " ", s.Order.Descending)
	}
	if s.Returning != "" {
		out += " returning " + s.Returning
	}
	return out
}

func TestParse(t *testing.T) {
	parameters := []attr.Value{attr.String("one"), attr.Int(2)}
	for _, tt := range []struct {
		in   string
		want string
		used int
	}{
		{`SELECT * FROM Music`, `Music`, 0},
		{`select "a b", c.d[2] from "My-Table"."by tag" where x = 'it''s';`,
			`My-Table.by tag columns [a b],[c, d, [2]] where x = {"S":"it's"}`, 0},
		{`SELECT * FROM t WHERE a = ? AND b > ?`, `t where a = {"S":"one"} AND b > {"N":"2"}`, 2},
		{`SELECT * FROM t WHERE a = 1 AND (b = 2 OR c != -3.5e1)`,
			`t where a = {"N":"1"} AND (b = {"N":"2"} OR c <> {"N":"-35"})`, 0},
		{`SELECT * FROM t WHERE NOT (a = 1 AND b = 2)`, `t where NOT (a = {"N":"1"} AND b = {"N":"2"})`, 0},
		{`SELECT * FROM t WHERE NOT a = 1 OR b = 2 AND c = 3`,
			`t where (NOT a = {"N":"1"} OR b = {"N":"2"} AND c = {"N":"3"})`, 0},
		{`SELECT * FROM t WHERE a IN [1, 2] AND b NOT IN ('x') AND c BETWEEN 1 AND 2`,
			`t where a IN ({"N":"1"}, {"N":"2"}) AND NOT b IN ({"S":"x"}) AND c BETWEEN {"N":"1"} AND {"N":"2"}`, 0},
		{`SELECT * FROM t WHERE a IS MISSING AND b IS NOT MISSING AND c IS NULL AND d IS NOT NULL`,
			`t where attribute_not_exists(a) AND attribute_exists(b) AND attribute_type(c, {"S":"NULL"}) AND NOT attribute_type(d, {"S":"NULL"})`, 0},
		{`SELECT * FROM t WHERE begins_with("a", 'x') AND CONTAINS(b, 1) AND size(c) > 2 AND attribute_type(d, 'S')`,
			`t where begins_with(a, {"S":"x"}) AND contains(b, {"N":"1"}) AND size(c) > {"N":"2"} AND attribute_type(d, {"S":"S"})`, 0},
		{`SELECT * FROM t WHERE a = true AND b = NULL ORDER BY c DESC`,
			`t where a = {"BOOL":true} AND b = {"NULL":true} order [c] true`, 0},
		{`INSERT INTO t VALUE {'a': 'x', 'n': 1, 'l': [1, 'y'], 's': <<'p', 'q'>>, 'm': {'z': false}}`,
			`t {"a":{"S":"x"},"l":{"L":[{"N":"1"},{"S":"y"}]},"m":{"M":{"z":{"BOOL":false}}},"n":{"N":"1"},"s":{"SS":["p","q"]}}`, 0},
		{`INSERT INTO t VALUE {'a': ?, 'b': {'c': ?}}`, `t {"a":{"S":"one"},"b":{"M":{"c":{"N":"2"}}}}`, 2},
		{`UPDATE t SET a = 1 SET b.c = b.c + 2, l = list_append(l, [3]) REMOVE d[0] WHERE pk = 'x' RETURNING MODIFIED NEW *`,
			`t SET a = {"N":"1"}, b.c = b.c + {"N":"2"}, l = list_append(l, {"L":[{"N":"3"}]})REMOVE d[0] where pk = {"S":"x"} returning UPDATED_NEW`, 0},
		{`UPDATE t SET s = set_add(s, <<1>>) SET u = set_delete(u, <<'x'>>) WHERE pk = 'x'`,
			`t ADD s {"NS":["1"]} DELETE u {"SS":["x"]} where pk = {"S":"x"}`, 0},
		{`DELETE FROM t WHERE pk = 'x' RETURNING ALL OLD *`, `t where pk = {"S":"x"} returning ALL_OLD`, 0},
		{`EXISTS(SELECT * FROM t WHERE pk = 'x' AND n > 1)`, `t where pk = {"S":"x"} AND n > {"N":"1"}`, 0},
	} {
		s, err := Parse(tt.in, parameters[:tt.used])
		if err != nil {
			t.Errorf("%s\n%v", tt.in, err)
			continue
		}
		got := strings.Join(strings.Fields(show(s)), " ")
		if want := strings.Replace(tt.want, ")REMOVE", ") REMOVE", 1); got != want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		``:                                       "Unexpected end of statement",
		`SELECTT * FROMM t`:                      "Unexpected token SELECTT",
		`SELECT * FROM`:                          "Unexpected end of statement",
		`SELECT COUNT(*) FROM t`:                 "Unexpected token (",
		`SELECT a AS b FROM t`:                   "Unexpected token AS",
		`SELECT * FROM t WHERE`:                  "Unexpected end of statement",
		`SELECT * FROM t WHERE a = ?`:            "Number of parameters in request and statement don't match.",
		`SELECT * FROM t WHERE a = 'x`:           "Unexpected token '",
		`SELECT * FROM t WHERE a`:                "Unexpected end of statement",
		`SELECT * FROM t WHERE 1 IS MISSING`:     "IS needs the name of an attribute",
		`SELECT * FROM t WHERE begins_with(a)`:   "The function begins_with takes 2 operands",
		`SELECT a[x] FROM t`:                     "Expected the index of a list",
		`SELECT * FROM t, u`:                     "Unexpected token ,",
		`INSERT INTO t VALUE 1`:                  "The value of an insert statement is an item",
		`INSERT INTO t VALUE {a: 1}`:             "Expected the name of a field in quotes",
		`INSERT INTO t VALUE {'a': <<>>}`:        "may not be empty",
		`INSERT INTO t VALUE {'a': 1e999}`:       "Number overflow",
		`UPDATE t WHERE a = 1`:                   "Unexpected token WHERE",
		`UPDATE t SET a = size(b) WHERE a = 1`:   "A function is not allowed here",
		`UPDATE t SET a = set_add(b, <<1>>)`:     "set_add and set_delete take the attribute that is set, and a set",
		`UPDATE t SET a = 1 RETURNING OLD *`:     "Unexpected token OLD",
		`DELETE FROM t WHERE a = 1 RETURNING *`:  "Unexpected token *",
		`DELETE FROM t RETURNING ALL NEW *`:      "Delete statements can only return ALL OLD *",
		`DROP TABLE t`:                           "Unexpected token DROP",
		`SELECT * FROM t WHERE ` + long("(", 99): "The statement is nested too deeply",
		`INSERT INTO t VALUE ` + long("[", 99):   "The statement is nested too deeply",
	} {
		_, err := Parse(in, nil)
		if _, ok := errors.AsType[*attr.ValidationError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", in, err, want)
		}
	}
	if _, err := Parse(`SELECT * FROM t`, []attr.Value{attr.Null()}); err == nil {
		t.Error("Parse with a parameter too many: got no error")
	}
}

func long(s string, n int) string { return strings.Repeat(s, n) }

func TestTableOf(t *testing.T) {
	for in, want := range map[string]string{
		`SELECT * FROM "My-Table"."x" WHERE a = ?`: "My-Table",
		`INSERT INTO t VALUE ?`:                    "t",
		`UPDATE u SET a = ? WHERE b = ?`:           "u",
		`nonsense`:                                 "",
	} {
		if got := TableOf(in); got != want {
			t.Errorf("TableOf(%s) = %q, want %q", in, got, want)
		}
	}
}

// FuzzParse parses arbitrary text. Parse returns a statement or a
// ValidationError.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`SELECT a.b[1], "c" FROM "t"."x" WHERE a = 'x' AND NOT (b IN [1, -2] OR c IS MISSING) ORDER BY d DESC`,
		`INSERT INTO t VALUE {'a': [1.5e3, <<'x'>>, {'b': NULL}], "c": ?}`,
		`UPDATE t SET a = a - 1, b = list_append(b, []) REMOVE c SET d = set_add(d, <<1>>) WHERE pk = ? RETURNING ALL OLD *`,
		`EXISTS(SELECT * FROM t WHERE size(a) BETWEEN 1 AND 2);`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, statement string) {
		s, err := Parse(statement, []attr.Value{attr.String("p")})
		if err == nil {
			show(s)
		} else if _, ok := errors.AsType[*attr.ValidationError](err); !ok {
			t.Errorf("got %T %v, want a ValidationError", err, err)
		}
	})
}
