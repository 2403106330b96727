package expr

import (
	"fmt"
	"strings"
	"testing"
)

const keyValues = `{":a":{"S":"a"},":b":{"S":"b"},":1":{"N":"1"},":2":{"N":"2"},":t":{"BOOL":true},":bin":{"B":"AA=="}}`

func TestKeyCondition(t *testing.T) {
	for src, want := range map[string]string{
		"pk = :a":                                     `pk = {"S":"a"}`,
		":a=pk":                                       `pk = {"S":"a"}`,
		"#k = :a AND sk < :1":                         `k.1 = {"S":"a"}; sk < {"N":"1"}`,
		"sk <= :1 and pk = :a":                        `sk <= {"N":"1"}; pk = {"S":"a"}`,
		"pk = :a AND :1 < sk":                         `pk = {"S":"a"}; sk > {"N":"1"}`,
		"pk = :a AND :1 <= sk":                        `pk = {"S":"a"}; sk >= {"N":"1"}`,
		"pk = :a AND :1 > sk":                         `pk = {"S":"a"}; sk < {"N":"1"}`,
		"pk = :a AND :1 >= sk":                        `pk = {"S":"a"}; sk <= {"N":"1"}`,
		"pk = :a AND sk > :1":                         `pk = {"S":"a"}; sk > {"N":"1"}`,
		"pk = :a AND sk >= :bin":                      `pk = {"S":"a"}; sk >= {"B":"AA=="}`,
		"pk = :a AnD sk bEtWeEn :1 aNd :2":            `pk = {"S":"a"}; sk BETWEEN {"N":"1"} {"N":"2"}`,
		"pk = :a AND begins_with(sk, :b)":             `pk = {"S":"a"}; sk begins_with {"S":"b"}`,
		"((sk = :1) AND (pk = :a))":                   `sk = {"N":"1"}; pk = {"S":"a"}`,
		"pk = :t":                                     `pk = {"BOOL":true}`,
		"(a = :1 AND b = :1) AND (c = :1 AND d > :1)": `a = {"N":"1"}; b = {"N":"1"}; c = {"N":"1"}; d > {"N":"1"}`,
	} {
		terms, err := newContext(t, `{"#k":"k.1"}`, keyValues).ParseKeyCondition(src)
		if err != nil {
			t.Errorf("ParseKeyCondition(%s): %v", src, err)
			continue
		}
		var shown []string
		for _, term := range terms {
			s := fmt.Sprintf("%s %s", term.Attribute, term.Op)
			for _, arg := range term.Args {
				s += " " + arg.String()
			}
			shown = append(shown, s)
		}
		if got := strings.Join(shown, "; "); got != want {
			t.Errorf("ParseKeyCondition(%s): got %s, want %s", src, got, want)
		}
	}
}

func TestKeyConditionErrors(t *testing.T) {
	const (
		prefix   = "Invalid KeyConditionExpression: "
		operator = "Invalid operator used in KeyConditionExpression: "
		first    = " operator must have the key attribute as its first operand"
		several  = "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
		nested   = "KeyConditionExpressions cannot have conditions on nested attributes"
		nestedOp = "KeyConditionExpressions cannot contain nested operations"
		none     = "Invalid condition in KeyConditionExpression: No key attribute specified"
		onePer   = prefix + "KeyConditionExpressions must only contain one condition per key"
		operand  = prefix + "Incorrect operand type for operator or function; operator or function: "
	)
	for src, want := range map[string]string{
		"":            prefix + "The expression can not be empty;",
		"a-b":         prefix + `Syntax error; token: "-", near: "a-b"`,
		"((pk = :a))": prefix + "The expression has redundant parentheses;",
		"pk = :missing AND begins_with(sk, :1)": prefix +
			"An expression attribute value used in expression is not defined; attribute value: :missing",
		"begins_with(sk, :1) AND pk = :missing": operand + "begins_with, operand type: N",
		"pk = :a AND sk < :t":                   operand + "<, operand type: BOOL",
		"pk = :a AND :t >= sk":                  operand + ">=, operand type: BOOL",
		"pk = :a AND sk BETWEEN :t AND :t":      operand + "BETWEEN, operand type: BOOL",
		"a between :b and :1": prefix + "The BETWEEN operator requires same data type for lower and upper bounds; " +
			"lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {N:1}",
		"a between :b and :a": prefix + "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
			"lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}",

		"a > b and size(b) > c or a > c":            operator + "OR",
		"a in (b, size(c), d)":                      operator + "IN",
		"attribute_exists(a)":                       operator + "attribute_exists",
		"attribute_not_exists(a)":                   operator + "attribute_not_exists",
		"contains(a.d, b)":                          operator + "contains",
		"not a > b":                                 operator + "NOT",
		"NOT c=:1 AND p=:a":                         operator + "NOT",
		"a <> :a":                                   operator + "<>",
		":a between size(b) and size(a) and b > :b": "Invalid condition in KeyConditionExpression: BETWEEN" + first,
		"begins_with(:a, b) and a > :b":             "Invalid condition in KeyConditionExpression: begins_with" + first,
		"size(b) > a AND a.b > b AND b > c":         nestedOp,
		"a > size(b.d)":                             nestedOp,
		"a between size(b) and size(a)":             nestedOp,
		"b > a.b":                                   several,
		"b between c[1] and d":                      several,
		"a between b and size(a)":                   several,
		"begins_with(a, b)":                         several,
		"b.d > a AND c.d > e.f":                     nested,
		"b[0] > a":                                  nested,
		":1 > :2 AND a < :1":                        none,
		"b > :1 AND b < :1 and c = :1 and d = :1":   onePer,
		"pk = :a AND sk > :1 AND sk < :2":           onePer,
		"p=:a AND p=:a":                             onePer,
	} {
		terms, err := newContext(t, "", keyValues).ParseKeyCondition(src)
		wantInvalid(t, src, err, want)
		if terms != nil {
			t.Errorf("ParseKeyCondition(%s): got terms %v with the error, want none", src, terms)
		}
	}
}
