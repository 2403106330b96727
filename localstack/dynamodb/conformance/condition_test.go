package conformance

import (
	"strings"
	"testing"
)

// Developer Guide, "Condition and filter expressions, operators, and functions
// in DynamoDB" (Expressions.OperatorsAndFunctions).

func TestComparisons(t *testing.T) {
	tb := newTable(t, "pk S")
	checkConditions(t, tb, `{"pk":"item","n":5,"s":"bee","b":{"B":"AgM="},"flag":true,"nil":null,"l":[1,"x"],"m":{"k":1},
		"ss":{"SS":["x","y"]},"ns":{"NS":["1","2"]},"five":5,"neg":-5}`, []conditionTest{
		{"n = {5}", yes}, {"n = {5.0}", yes}, {"n = {50e-1}", yes}, {"n = {6}", no}, {`n = {"5"}`, no},
		{"n = five", yes}, {"{5} = n", yes},
		{"n <> {5}", no}, {"n <> {6}", yes}, {`n <> {"5"}`, yes}, {"gone <> {5}", yes}, {"gone = {5}", no},
		{"gone < {5}", no},
		{"n < {6}", yes}, {"n < {5}", no}, {"n <= {5}", yes}, {"n > {-6}", yes}, {"neg < {-4}", yes},
		{"n > {4.999}", yes}, {"n >= {5}", yes}, {"n >= {5.1}", no},
		{`n < {"6"}`, no}, {`n > {"6"}`, no}, {`s > {"be"}`, yes}, {`s < {"beef"}`, yes},
		{`s < {"Z"}`, no}, {`s > {"b"}`, yes}, {`s = {"bee"}`, yes},
		{`b > {{"B":"AgI="}}`, yes}, {`b = {{"B":"AgM="}}`, yes}, {`b < {{"B":"gA=="}}`, yes}, {`b = {"AgM="}`, no},
		{"flag = {true}", yes}, {"flag = {false}", no}, {"flag <> {false}", yes}, {"nil = {null}", yes},
		{"nil <> {null}", no}, {"nil = gone", no},
		{`l = {[1,"x"]}`, yes}, {`l = {["x",1]}`, no}, {`m = {{"M":{"k":{"N":"1.0"}}}}`, yes},
		{`m = {{"M":{}}}`, no}, {`l <> {[]}`, yes},
		{`ss = {{"SS":["y","x"]}}`, yes}, {`ss = {{"SS":["x"]}}`, no}, {`ns = {{"NS":["2","1.0"]}}`, yes},
		{`ss <> {{"SS":["x"]}}`, yes},
		{"l[0] = {1}", yes}, {"m.k < {2}", yes}, {"l[7] = {1}", no}, {"m.k.deeper = {1}", no},
		{"n.deeper = {1}", no}, {"s[0] = {1}", no},
		{"n < {true}", "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"},
		{"n >= {null}", "Incorrect operand type for operator or function; operator or function: >=, operand type: NULL"},
		{"n > {[]}", "Incorrect operand type for operator or function; operator or function: >, operand type: L"},
		{`n <= {{"SS":["x"]}}`, "Incorrect operand type for operator or function; operator or function: <=, operand type: SS"},
		{"flag < s", no}, {"l < s", no},
		{"n = n", "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n]"},
		{"m.k < m.k", "The first operand must be distinct from the remaining operands for this operator or function; operator: <, first operand: [m, k]"},
	})
}

func TestBetweenAndIn(t *testing.T) {
	tb := newTable(t, "pk S")
	hundred := strings.TrimSuffix(strings.Repeat("{0}, ", 99), ", ")
	checkConditions(t, tb, `{"pk":"item","n":5,"low":1,"high":9,"s":"bee","l":[1]}`, []conditionTest{
		{"n BETWEEN {1} AND {9}", yes}, {"n BETWEEN {5} AND {5}", yes}, {"n BETWEEN {6} AND {9}", no},
		{"n BETWEEN low AND high", yes},
		{"n BETWEEN high AND low", no}, {"{5} BETWEEN low AND high", yes}, {"low BETWEEN {0} AND n", yes},
		{`n between {1} and {9}`, yes},
		{`s BETWEEN {"b"} AND {"c"}`, yes}, {`s BETWEEN {1} AND {2}`, no},
		{`gone BETWEEN {1} AND {2}`, no}, {`NOT n BETWEEN {6} AND {9}`, yes},
		{"n BETWEEN {9} AND {1}", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:9}, upper bound operand: AttributeValue: {N:1}"},
		{`n BETWEEN {1} AND {"a"}`, "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}"},
		{"n BETWEEN {true} AND {9}", "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL"},
		{"n IN ({1}, {5})", yes}, {"n IN ({5})", yes}, {"n IN ({1}, {2})", no}, {`n IN ({"5"}, {1})`, no},
		{"n IN (low, high)", no}, {"n IN (low, {5})", yes}, {`n IN ({"5"}, {5.0})`, yes},
		{"gone IN ({1})", no}, {`l IN ({[1]})`, yes}, {"NOT n IN ({1})", yes}, {"n in ({5})", yes},
		{"size(s) IN ({3})", yes},
		{"n IN (" + hundred + ", {5})", yes},
		{"n IN (" + hundred + ", {0}, {5})", "…"},
	})
}

func TestLogic(t *testing.T) {
	tb := newTable(t, "pk S")
	checkConditions(t, tb, `{"pk":"item","t":true,"n":5}`, []conditionTest{
		{"t = {true} AND n = {5}", yes}, {"t = {true} AND n = {6}", no}, {"t = {false} OR n = {5}", yes},
		{"t = {false} OR n = {6}", no},
		{"NOT n = {6}", yes}, {"NOT NOT n = {5}", yes}, {"NOT (n = {5} OR n = {6})", no},
		{"not n = {6} and t = {true} or n = {7}", yes},
		// NOT binds closer than AND, AND closer than OR.
		{"n = {5} OR n = {6} AND n = {7}", yes}, {"(n = {5} OR n = {6}) AND n = {7}", no},
		{"NOT n = {6} OR n = {6}", yes}, {"NOT n = {5} OR n = {5}", yes}, {"NOT (n = {5} OR n = {5.5})", no},
		{"n = {5} AND (t = {true} AND (n > {4} OR n > {7}))", yes},
		{"((n = {5}))", "The expression has redundant parentheses;"},
		{"(n = {5})", yes}, {"n = ({5})", yes},
	})
}

func TestFunctions(t *testing.T) {
	tb := newTable(t, "pk S")
	checkConditions(t, tb, `{"pk":"item","n":5,"s":"abcdef","b":{"B":"AQID"},"flag":false,"nil":null,"l":[1,"x",{"deep":[7]}],"m":{"k":"v","e":{}},
		"ss":{"SS":["x","y","z"]},"ns":{"NS":["1","2"]},"bs":{"BS":["AQ==","Ag=="]},"es":"","pre":"abc","S":"S"}`, []conditionTest{
		{"attribute_exists(n)", yes}, {"attribute_exists(gone)", no}, {"attribute_exists(nil)", yes},
		{"attribute_exists(flag)", yes}, {"attribute_exists(es)", yes},
		{"attribute_exists(m.k)", yes}, {"attribute_exists(m.gone)", no},
		{"attribute_exists(l[2].deep[0])", yes}, {"attribute_exists(l[3])", no}, {"attribute_exists(s.k)", no},
		{"attribute_not_exists(gone)", yes}, {"attribute_not_exists(n)", no},
		{"attribute_not_exists(m.gone.deeper)", yes}, {"attribute_not_exists(nil)", no},
		{"attribute_exists({1})", "Operator or function requires a document path; operator or function: attribute_exists"},
		{"attribute_exists(n, s)", "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"},

		{`attribute_type(n, {"N"})`, yes}, {`attribute_type(s, {"S"})`, yes},
		{`attribute_type(b, {"B"})`, yes}, {`attribute_type(flag, {"BOOL"})`, yes},
		{`attribute_type(nil, {"NULL"})`, yes},
		{`attribute_type(l, {"L"})`, yes}, {`attribute_type(m, {"M"})`, yes},
		{`attribute_type(ss, {"SS"})`, yes}, {`attribute_type(ns, {"NS"})`, yes}, {`attribute_type(bs, {"BS"})`, yes},
		{`attribute_type(n, {"S"})`, no}, {`attribute_type(gone, {"S"})`, no}, {`attribute_type(m.k, {"S"})`, yes},
		{`attribute_type(n, {"X"})`, "Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
		{`attribute_type(n, {1})`, "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N"},

		{`begins_with(s, {"abc"})`, yes}, {`begins_with(s, {"abcdefg"})`, no},
		{`begins_with(s, {"b"})`, no}, {`begins_with(s, pre)`, yes},
		{`begins_with(b, {{"B":"AQI="}})`, yes}, {`begins_with(b, {"AQI="})`, no},
		{`begins_with(gone, {"a"})`, no}, {`begins_with(n, {"5"})`, no}, {`begins_with(s, n)`, no},
		{`NOT begins_with(s, {"b"})`, yes},
		{`begins_with(s, {5})`, "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},

		{`contains(s, {"cd"})`, yes}, {`contains(s, {"dc"})`, no}, {`contains(s, pre)`, yes},
		{`contains(s, {5})`, no}, {`contains(b, {{"B":"AgM="}})`, yes},
		{`contains(ss, {"x"})`, yes}, {`contains(ss, {"X"})`, no}, {`contains(ns, {1.0})`, yes},
		{`contains(ns, {"1"})`, no}, {`contains(bs, {{"B":"Ag=="}})`, yes},
		{`contains(l, {1})`, yes}, {`contains(l, {"x"})`, yes}, {`contains(l, {2})`, no},
		{`contains(l[2].deep, {7})`, yes}, {`contains(n, {5})`, no}, {`contains(gone, {5})`, no},
		{`contains(m, {"k"})`, no},
		{`contains(s, s)`, "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [s]"},

		{"size(s) = {6}", yes}, {"size(b) = {3}", yes}, {"size(ss) = {3}", yes}, {"size(ns) = {2}", yes},
		{"size(bs) = {2}", yes}, {"size(l) = {3}", yes}, {"size(m) = {2}", yes}, {"size(m.e) = {0}", yes},
		{"size(es) = {0}", yes},
		{"size(s) > n", yes}, {"n < size(s)", yes}, {"size(pre) < size(s)", yes}, {"size(gone) = {0}", no},
		{"size(gone) < {1}", no}, {"size(s) BETWEEN {6} AND {7}", yes}, {`size(s) = {"6"}`, no},
		{"size(s)", "The function is not allowed to be used this way in an expression; function: size"},
		{"size({5}) = {1}", "Incorrect operand type for operator or function; operator or function: size, operand type: N"},
		{"contains(s)", "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1"},
		{"contains(s, pre) = {true}", "The function is not allowed to be used this way in an expression; function: contains"},
		{"if_not_exists(s, {1}) = {1}", "The function is not allowed in a condition expression; function: if_not_exists"},
		{"strlen(s) = {1}", "Invalid function name; function: strlen"},
		{"SIZE(s) = {6}", "Invalid function name; function: SIZE"},
	})
}
