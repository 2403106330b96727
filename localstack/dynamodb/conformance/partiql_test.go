package conformance

import (
	"encoding/json"
	"fmt"
	"testing"
)

// Developer Guide, "PartiQL - A SQL-compatible query language for Amazon
// DynamoDB" (ql-reference); API reference, ExecuteStatement,
// BatchExecuteStatement and ExecuteTransaction.

// statement returns the JSON of a statement with its parameters, for example
// "1, \"x\"".
func statement(t testing.TB, text, parameters string) string {
	t.Helper()
	quotedText, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	if parameters != "" {
		parameters = `,"Parameters":[` + parameters + `]`
	}
	return fmt.Sprintf(`{"Statement":%s%s}`, quotedText, parameters)
}

func TestStatements(t *testing.T) {
	tb := newTable(t, "pk S, sk N", "GSI by-n: n N: ALL")
	for _, c := range []struct{ name, text, parameters, want string }{
		{"insert", `INSERT INTO "$T" VALUE {'pk':'a','sk':1,'n':5,'l':[1,'x',true],'m':{'k':null},'s':<<'x','y'>>}`, ``, `{"Items":[]}`},
		{"insert with parameters", `INSERT INTO "$T" VALUE {'pk':?,'sk':?,'n':?}`, `"a",2,7`, `{"Items":[]}`},
		{"insert again", `INSERT INTO "$T" VALUE {'pk':'a','sk':1}`, ``,
			"DuplicateItemException: Duplicate primary key exists in table"},
		{"select by key", `SELECT * FROM "$T" WHERE pk = 'a' AND sk = 1`, ``,
			`{"Items":[{"pk":"a","sk":1,"n":5,"l":[1,"x",true],"m":{"k":null},"s":{"SS":["x","y"]}}]}`},
		{"select attributes", `SELECT n, m.k FROM "$T" WHERE pk = ? AND sk = ?`, `"a",1`,
			`{"Items":[{"n":5,"k":null}]}`},
		{"select a partition", `SELECT sk FROM "$T" WHERE pk = 'a' ORDER BY sk DESC`, ``,
			`{"Items":[{"sk":2},{"sk":1}]}`},
		{"select with a filter", `SELECT sk FROM "$T" WHERE pk = 'a' AND n > 6`, ``, `{"Items":[{"sk":2}]}`},
		{"select from an index", `SELECT pk, sk FROM "$T"."by-n" WHERE n = 7`, ``, `{"Items":[{"pk":"a","sk":2}]}`},
		{"select with functions", `SELECT sk FROM "$T" WHERE pk = 'a' AND contains(s, 'x') AND begins_with(pk, 'a')`, ``, `{"Items":[{"sk":1}]}`},
		{"select nothing", `SELECT * FROM "$T" WHERE pk = 'none'`, ``, `{"Items":[]}`},
		{"update", `UPDATE "$T" SET n = n + 1 SET k = 'v' REMOVE l WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED NEW *`, ``, `{"Items":[{"n":6,"k":"v"}]}`},
		{"update, all new", `UPDATE "$T" SET n = ? WHERE pk = 'a' AND sk = 2 RETURNING ALL NEW *`, `8`,
			`{"Items":[{"pk":"a","sk":2,"n":8}]}`},
		{"update a missing item", `UPDATE "$T" SET n = 1 WHERE pk = 'none' AND sk = 1`, ``,
			"ConditionalCheckFailedException: The conditional request failed"},
		{"update on a condition", `UPDATE "$T" SET n = 1 WHERE pk = 'a' AND sk = 1 AND n = 99`, ``,
			"ConditionalCheckFailedException: The conditional request failed"},
		{"delete", `DELETE FROM "$T" WHERE pk = 'a' AND sk = 2 RETURNING ALL OLD *`, ``,
			`{"Items":[{"pk":"a","sk":2,"n":8}]}`},
		{"no such table", `SELECT * FROM "conformance-nothing" WHERE pk = 'a'`, ``,
			"ResourceNotFoundException: Requested resource not found"},
		{"a syntax error", `SELEKT * FROM "$T"`, ``, "ValidationException: …"},
		{"a missing parameter", `SELECT * FROM "$T" WHERE pk = ?`, ``, "ValidationException: …"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tb.call(t, "ExecuteStatement", statement(t, c.text, c.parameters)).check(t, c.want)
		})
	}
}

func TestStatementsTogether(t *testing.T) {
	tb := newTable(t, "pk S")
	tb.put(t, `{"pk":"a","n":1}`, `{"pk":"b","n":2}`)
	tb.steps(t, []step{
		{"a batch of reads", "BatchExecuteStatement",
			`{"Statements":[` + statement(t, `SELECT n FROM "$T" WHERE pk = ?`, `"a"`) + `,` +
				statement(t, `SELECT n FROM "$T" WHERE pk = ?`, `"none"`) + `]}`,
			`{"Responses":[{"TableName":"$T","Item":{"n":1}},{"TableName":"$T","Item":null,"Error":null}]}`},
		{"a batch of writes, of which one fails", "BatchExecuteStatement",
			`{"Statements":[` + statement(t, `INSERT INTO "$T" VALUE {'pk':'c'}`, ``) + `,` +
				statement(t, `INSERT INTO "$T" VALUE {'pk':'a'}`, ``) + `]}`,
			`{"Responses":[{"Error":null},{"Error":{"Code":"DuplicateItem","Message":"Duplicate primary key exists in table"}}]}`},
		{"a transaction", "ExecuteTransaction",
			`{"TransactStatements":[` + statement(t, `UPDATE "$T" SET n = 10 WHERE pk = 'a'`, ``) + `,` +
				statement(t, `DELETE FROM "$T" WHERE pk = 'c'`, ``) + `]}`, "{}"},
		{"a transaction that fails", "ExecuteTransaction",
			`{"TransactStatements":[` + statement(t, `UPDATE "$T" SET n = 11 WHERE pk = 'a'`, ``) + `,` +
				statement(t, `UPDATE "$T" SET n = 11 WHERE pk = 'b' AND n = 99`, ``) + `]}`,
			"TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"},
		{"a transaction of reads", "ExecuteTransaction",
			`{"TransactStatements":[` + statement(t, `SELECT * FROM "$T" WHERE pk = 'a'`, ``) + `,` +
				statement(t, `SELECT * FROM "$T" WHERE pk = 'c'`, ``) + `]}`,
			`{"Responses":[{"Item":{"pk":"a","n":10}},{"Item":null}]}`},
	})
}

func TestStatementPages(t *testing.T) {
	tb := newTable(t, "pk S, sk S")
	tb.fill(t, 5, 10)
	seen, next := 0, ""
	for range 5 {
		request := statement(t, `SELECT sk FROM "`+tb.name+`" WHERE pk = 'p'`, "")
		got := tb.must(t, "ExecuteStatement", request[:len(request)-1]+`,"Limit":2`+next+`}`)
		seen += len(got.items())
		token, _ := got.at("NextToken").(string)
		if token == "" {
			break
		}
		next = fmt.Sprintf(`,"NextToken":%q`, token)
	}
	if seen != 5 {
		t.Errorf("got %d items, want 5", seen)
	}
}
