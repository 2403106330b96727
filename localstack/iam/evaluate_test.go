package iam_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/trace"
)

const (
	account  = "123456789012"
	region   = "eu-central-1"
	function = "chat-send"
	roleARN  = "arn:aws:iam::" + account + ":role/chat-SendRole"
	session  = "arn:aws:sts::" + account + ":assumed-role/chat-SendRole/" + function
	table    = "arn:aws:dynamodb:" + region + ":" + account + ":table/Rooms"
	version  = "2012-10-17"
)

type conditions = map[string]map[string][]string

// statement returns a statement in the current version of the policy language.
// Actions and resources are separated by spaces.
func statement(effect, action, resource string, where conditions) iam.Statement {
	return iam.Statement{
		Version:   version,
		Effect:    effect,
		Action:    strings.Fields(action),
		Resource:  strings.Fields(resource),
		Condition: where,
	}
}

func role(statements ...iam.Statement) iam.Role {
	return iam.Role{ARN: roleARN, Name: "chat-SendRole", Statements: statements}
}

func newGuard(t *testing.T, o iam.Options) *iam.Guard {
	t.Helper()
	o.Account, o.Region = account, region
	g, err := iam.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func guardOf(t *testing.T, r iam.Role) *iam.Guard {
	t.Helper()
	return newGuard(t, iam.Options{Roles: map[string]iam.Role{function: r}})
}

func fromFunction(ctx context.Context) context.Context {
	return trace.WithCaller(ctx, trace.Caller{Function: function, Invocation: "8f5c1d1e"})
}

func TestStatements(t *testing.T) {
	for _, c := range []struct {
		name             string
		statements       []iam.Statement
		action, resource string
		want             string // the end of the refusal, or "" if allowed
	}{
		{"nothing attached", nil, "dynamodb:GetItem", table,
			"because no identity-based policy allows the dynamodb:GetItem action"},
		{"allowed", []iam.Statement{statement("Allow", "dynamodb:GetItem", table, nil)}, "dynamodb:GetItem", table, ""},
		{"another action", []iam.Statement{statement("Allow", "dynamodb:GetItem", table, nil)},
			"dynamodb:PutItem", table, "because no"},
		{"another table", []iam.Statement{statement("Allow", "dynamodb:GetItem", table, nil)},
			"dynamodb:GetItem", table + "2", "because no"},
		{"the table's index is another resource", []iam.Statement{statement("Allow", "dynamodb:Query", table,
			nil)}, "dynamodb:Query", table + "/index/byUser", "because no"},
		{"actions in any case", []iam.Statement{statement("Allow", "DynamoDB:getitem", table, nil)},
			"dynamodb:GetItem", table, ""},
		{"resources in their case", []iam.Statement{statement("Allow", "dynamodb:GetItem",
			strings.ToLower(table), nil)}, "dynamodb:GetItem", table, "because no"},
		{"wildcards in actions", []iam.Statement{statement("Allow", "dynamodb:?etI*", table, nil)},
			"dynamodb:GetItem", table, ""},
		{"wildcards in resources", []iam.Statement{statement("Allow", "*",
			"arn:aws:dynamodb:*:*:table/R??m*", nil)}, "dynamodb:GetItem", table, ""},
		{"a question mark is one character", []iam.Statement{statement("Allow", "*", table+"?", nil)},
			"dynamodb:GetItem", table, "because no"},
		{"an asterisk may match nothing", []iam.Statement{statement("Allow", "*", table+"*", nil)},
			"dynamodb:GetItem", table, ""},
		{"several asterisks", []iam.Statement{statement("Allow", "*", "arn:*:dynamodb:*-central-*oo*s",
			nil)}, "dynamodb:GetItem", table, ""},
		{"a deny wins, in any order", []iam.Statement{statement("Deny", "dynamodb:Put*", "*", nil),
			statement("Allow", "*", "*", nil)}, "dynamodb:PutItem", table,
			"with an explicit deny in an identity-based policy"},
		{"a deny of something else", []iam.Statement{statement("Allow", "*", "*", nil),
			statement("Deny", "dynamodb:Put*", "*", nil)}, "dynamodb:GetItem", table, ""},
		{"NotAction", []iam.Statement{{
			Effect:    "Allow",
			NotAction: []string{"iam:*", "dynamodb:Delete*"},
			Resource:  []string{"*"},
		}}, "dynamodb:GetItem", table, ""},
		{"in NotAction", []iam.Statement{{
			Effect:    "Allow",
			NotAction: []string{"iam:*", "dynamodb:Delete*"},
			Resource:  []string{"*"},
		}}, "dynamodb:DeleteItem", table, "because no"},
		{"NotResource", []iam.Statement{{
			Effect:      "Allow",
			Action:      []string{"*"},
			NotResource: []string{table},
		}}, "dynamodb:GetItem", table + "2", ""},
		{"in NotResource", []iam.Statement{{
			Effect:      "Allow",
			Action:      []string{"*"},
			NotResource: []string{table},
		}}, "dynamodb:GetItem", table, "because no"},
		{"Deny with NotAction", []iam.Statement{statement("Allow", "*", "*", nil), {
			Effect:    "Deny",
			NotAction: []string{"dynamodb:Get*"},
			Resource:  []string{"*"},
		}}, "dynamodb:PutItem", table, "with an explicit deny"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := guardOf(t, role(c.statements...)).Check(fromFunction(t.Context()), c.action, c.resource, nil)
			checkRefusal(t, err, c.action, c.resource, c.want)
		})
	}
}

// checkRefusal checks that err is AWS's refusal with this end, or nil if end is
// empty.
func checkRefusal(t *testing.T, err error, action, resource, end string) {
	t.Helper()
	if end == "" {
		if err != nil {
			t.Errorf("got %v, want no refusal", err)
		}
		return
	}
	denied, ok := errors.AsType[*iam.Denied](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	if want := "User: " + session + " is not authorized to perform: " + action + " on resource: " +
		resource + " " + end; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %q\nwant %q", err, want)
	}
	if explicit := strings.HasPrefix(end, "with"); denied.Explicit() != explicit {
		t.Errorf("got Explicit %t, want %t", denied.Explicit(), explicit)
	}
}

func TestCallerOutsideMayDoEverything(t *testing.T) {
	g := guardOf(t, role(statement("Deny", "*", "*", nil)))
	if err := g.Check(t.Context(), "dynamodb:DeleteTable", table, nil); err != nil {
		t.Errorf("got %v, want no refusal", err)
	}
}

// conditionExamples are those of the IAM user guide: "Policy variables", "Set
// operators for multivalued context keys", "Condition operators".
var conditionExamples = []struct {
	name  string
	where conditions
	want  bool
}{
	{"none", nil, true},
	{"StringEquals", conditions{"StringEquals": {"app:name": {"Other", "Chat"}}}, true},
	{"StringEquals, case", conditions{"StringEquals": {"app:name": {"chat"}}}, false},
	{"StringEquals does not expand patterns", conditions{"StringEquals": {"app:name": {"Ch*"}}}, false},
	{"key names in any case", conditions{"StringEquals": {"APP:Name": {"Chat"}}}, true},
	{"StringEqualsIgnoreCase", conditions{"StringEqualsIgnoreCase": {"app:name": {"cHAT"}}}, true},
	{"StringNotEquals", conditions{"StringNotEquals": {"app:name": {"Other"}}}, true},
	{"StringNotEquals with the value among others",
		conditions{"StringNotEquals": {"app:name": {"Other", "Chat"}}}, false},
	{"StringNotEqualsIgnoreCase", conditions{"StringNotEqualsIgnoreCase": {"app:name": {"CHAT"}}}, false},
	{"StringLike", conditions{"StringLike": {"app:name": {"C?a*"}}}, true},
	{"StringNotLike", conditions{"StringNotLike": {"app:name": {"C?a*"}}}, false},
	{"NumericLessThanEquals", conditions{"NumericLessThanEquals": {"s3:max-keys": {"10"}}}, true},
	{"NumericLessThan", conditions{"NumericLessThan": {"s3:max-keys": {"10"}}}, false},
	{"NumericEquals compares numbers", conditions{"NumericEquals": {"s3:max-keys": {"10.0"}}}, true},
	{"NumericNotEquals", conditions{"NumericNotEquals": {"s3:max-keys": {"10"}}}, false},
	{"NumericGreaterThan", conditions{"NumericGreaterThan": {"s3:max-keys": {"9"}}}, true},
	{"NumericGreaterThanEquals", conditions{"NumericGreaterThanEquals": {"s3:max-keys": {"11"}}}, false},
	{"Numeric of a text", conditions{"NumericEquals": {"app:name": {"1"}}}, false},
	{"dates", conditions{"DateGreaterThan": {"aws:CurrentTime": {"2020-04-01T00:00:00Z"}},
		"DateLessThan": {"aws:CurrentTime": {"2120-06-30T23:59:59Z"}}}, true},
	{"DateEquals", conditions{"DateEquals": {"app:when": {"2020-01-01T01:00:01+01:00"}}}, true},
	{"DateEquals in seconds", conditions{"DateEquals": {"app:when": {"1577836801"}}}, true},
	{"DateNotEquals", conditions{"DateNotEquals": {"app:when": {"2020-01-01T00:00:01Z"}}}, false},
	{"DateLessThanEquals", conditions{"DateLessThanEquals": {"app:when": {"2020-01-01"}}}, false},
	{"DateGreaterThanEquals", conditions{"DateGreaterThanEquals": {"aws:EpochTime": {"1577836801"}}}, true},
	{"Bool", conditions{"Bool": {"app:yes": {"true"}}}, true},
	{"Bool, false", conditions{"Bool": {"aws:SecureTransport": {"false"}}}, false},
	{"BinaryEquals", conditions{"BinaryEquals": {"app:bytes": {"QmluYXJ5"}}}, true},
	{"IpAddress", conditions{"IpAddress": {"aws:SourceIp": {"203.0.113.0/24"}}}, true},
	{"IpAddress, one", conditions{"IpAddress": {"aws:SourceIp": {"203.0.113.8"}}}, false},
	{"IpAddress, version 6", conditions{"IpAddress": {"app:v6": {"2001:DB8::/32"}}}, true},
	{"NotIpAddress", conditions{"NotIpAddress": {"aws:SourceIp": {"203.0.113.0/24", "2001:db8::/32"}}}, false},
	{"ArnLike", conditions{"ArnLike": {"app:arn": {"arn:aws:sns:*:123456789012:topic/*"}}}, true},
	{"ArnEquals is ArnLike", conditions{"ArnEquals": {"app:arn": {"arn:aws:sns:*:*:topic/?"}}}, true},
	{"ArnLike matches each part", conditions{"ArnLike": {"app:arn": {"arn:aws:*:topic/a"}}}, false},
	{"ArnNotLike", conditions{"ArnNotLike": {"app:arn": {"arn:aws:sns:*:*:topic/*"}}}, false},
	{"ArnNotEquals", conditions{"ArnNotEquals": {"app:arn": {"arn:aws:sns:*:*:queue/*"}}}, true},
	{"Null, absent", conditions{"Null": {"aws:TokenIssueTime": {"true"}}}, true},
	{"Null, present", conditions{"Null": {"aws:SourceIp": {"false"}}}, true},
	{"Null, present but wanted absent", conditions{"Null": {"aws:SourceIp": {"true"}}}, false},
	{"absent key", conditions{"StringEquals": {"app:absent": {"x"}}}, false},
	{"absent key, negated", conditions{"StringNotEquals": {"app:absent": {"x"}}}, true},
	{"absent key, Bool", conditions{"Bool": {"app:absent": {"false"}}}, false},
	{"absent key, IfExists", conditions{"StringEqualsIfExists": {"app:absent": {"x"}}}, true},
	{"IfExists, present", conditions{"StringLikeIfExists": {"app:name": {"x*"}}}, false},
	{"absent key, NotIpAddress", conditions{"NotIpAddress": {"app:absent": {"10.0.0.0/8"}}}, true},
	{"ForAllValues", conditions{"ForAllValues:StringEquals": {"aws:TagKeys": {"Team", "Department",
		"Cost"}}}, true},
	{"ForAllValues, one value does not match",
		conditions{"ForAllValues:StringEquals": {"aws:TagKeys": {"Team"}}}, false},
	{"ForAllValues, absent", conditions{"ForAllValues:StringEquals": {"app:absent": {"x"}}}, true},
	{"ForAllValues, empty", conditions{"ForAllValues:StringEquals": {"app:none": {"x"}}}, true},
	{"ForAllValues with Null", conditions{"ForAllValues:StringEquals": {"app:absent": {"x"}},
		"Null": {"app:absent": {"false"}}}, false},
	{"ForAnyValue", conditions{"ForAnyValue:StringEquals": {"aws:TagKeys": {"Team", "Cost"}}}, true},
	{"ForAnyValue, no value matches", conditions{"ForAnyValue:StringLike": {"aws:TagKeys": {"C*"}}}, false},
	{"ForAnyValue, absent", conditions{"ForAnyValue:StringEquals": {"app:absent": {"x"}}}, false},
	{"ForAnyValue, empty", conditions{"ForAnyValue:StringNotEquals": {"app:none": {"x"}}}, false},
	{"ForAnyValue, negated", conditions{"ForAnyValue:StringNotEquals": {"aws:TagKeys": {"Team"}}}, true},
	{"ForAllValues, negated", conditions{"ForAllValues:StringNotEquals": {"aws:TagKeys": {"Team"}}}, false},
	{"one operator does not hold", conditions{"StringEquals": {"app:name": {"Chat"}},
		"NumericLessThan": {"s3:max-keys": {"5"}}}, false},
	{"one key does not hold", conditions{"StringEquals": {"app:name": {"Chat"}, "app:arn": {"x"}}}, false},
	{"variable in a value", conditions{"StringLike": {"aws:PrincipalArn": {"arn:*:iam::${aws:PrincipalAccount}:role/chat-*"}}}, true},
	{"variable for an asterisk", conditions{"StringLike": {"app:wild": {"a${*}c"}}}, true},
	{"the asterisk has no special meaning", conditions{"StringLike": {"app:name": {"${*}"}}}, false},
	{"the function itself", conditions{"ArnEquals": {"lambda:SourceFunctionArn": {"arn:aws:lambda:" +
		region + ":" + account + ":function:" + function}}}, true},
	{"the role's session", conditions{"StringLike": {"aws:userid": {"AROA*:" + function}}}, true},
	{"the region", conditions{"StringEquals": {"aws:RequestedRegion": {region}}}, true},
	{"a session has no user name", conditions{"Null": {"aws:username": {"true"}}}, true},
}

func TestConditions(t *testing.T) {
	keys := iam.Context{
		"aws:SourceIp": {"203.0.113.7"},
		"s3:max-keys":  {"10"},
		"app:name":     {"Chat"},
		"app:bytes":    {"QmluYXJ5"},
		"app:when":     {"2020-01-01T00:00:01Z"},
		"aws:TagKeys":  {"Department", "Team"},
		"app:none":     {},
		"app:arn":      {"arn:aws:sns:eu-central-1:123456789012:topic/a"},
		"app:wild":     {"a*c"},
		"app:v6":       {"2001:db8::1"},
		"app:yes":      {"TRUE"},
	}
	for _, c := range conditionExamples {
		t.Run(c.name, func(t *testing.T) {
			guard := guardOf(t, role(statement("Allow", "s3:ListBucket", "*", c.where)))
			err := guard.Check(fromFunction(t.Context()), "s3:ListBucket", "arn:aws:s3:::b", keys)
			if got := err == nil; got != c.want {
				t.Errorf("allowed: got %t (%v), want %t", got, err, c.want)
			}
		})
	}
}

func TestVariablesInResources(t *testing.T) {
	home := "arn:aws:s3:::b/home/"
	for _, c := range []struct {
		name, version, pattern, resource string
		want                             bool
	}{
		{"replaced", version, home + "${aws:PrincipalAccount}/*", home + account + "/x", true},
		{"another value", version, home + "${aws:PrincipalAccount}/*", home + "1/x", false},
		{"names in any case", version, home + "${AWS:principalaccount}", home + account, true},
		{"without a value, nothing matches", version, home + "${aws:username}/*", home + "/x", false},
		{"a default", version, home + "${aws:username, 'anyone'}/*", home + "anyone/x", true},
		{"a default is not needed", version, home + "${aws:PrincipalAccount, 'anyone'}", home + account, true},
		{"wildcards in a value are literal", version, home + "${app:user}", home + "abc", false},
		{"wildcards in a value match themselves", version, home + "${app:user}", home + "a*", true},
		{"a dollar sign", version, home + "${$}{x}", home + "${x}", true},
		{"a question mark", version, home + "a${?}", home + "ab", false},
		{"before 2012 variables are plain text", "", home + "${aws:PrincipalAccount}", home + account, false},
		{"before 2012 variables match themselves", "2008-10-17", home + "${aws:PrincipalAccount}",
			home + "${aws:PrincipalAccount}", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := iam.Statement{
				Version:  c.version,
				Effect:   "Allow",
				Action:   []string{"s3:GetObject"},
				Resource: []string{c.pattern},
			}
			err := guardOf(t, role(s)).Check(fromFunction(t.Context()), "s3:GetObject", c.resource,
				iam.Context{"app:user": {"a*"}})
			if got := err == nil; got != c.want {
				t.Errorf("allowed: got %t (%v), want %t", got, err, c.want)
			}
		})
	}
}

func TestMalformedPolicies(t *testing.T) {
	where := func(operator, value string) iam.Statement {
		return statement("Allow", "s3:*", "*", conditions{operator: {"a:b": {value}}})
	}
	for _, c := range []struct {
		name, want string
		iam.Statement
	}{
		{"effect", `effect "allow"`, statement("allow", "s3:*", "*", nil)},
		{"action", `action "GetItem"`, statement("Allow", "GetItem", "*", nil)},
		{"both actions", "has both Action and NotAction", iam.Statement{
			Effect:    "Allow",
			Action:    []string{"*"},
			NotAction: []string{"*"},
		}},
		{"both resources", "has both Resource", iam.Statement{
			Effect:      "Allow",
			Action:      []string{"*"},
			Resource:    []string{"*"},
			NotResource: []string{"*"},
		}},
		{"no action", "has neither Action", iam.Statement{Effect: "Allow", Resource: []string{"*"}}},
		{"no resource", "has neither Resource", iam.Statement{Effect: "Allow", Action: []string{"*"}}},
		{"principal", "has a Principal", iam.Statement{
			Effect:    "Allow",
			Action:    []string{"*"},
			Resource:  []string{"*"},
			Principal: map[string][]string{"AWS": {"*"}},
		}},
		{"operator", "condition StringMatches of a:b: unknown operator", where("StringMatches", "x")},
		{"NullIfExists", "cannot have IfExists", where("NullIfExists", "true")},
		{"number", "not a number", where("NumericEquals", "ten")},
		{"date", "not a date", where("DateEquals", "yesterday")},
		{"bool", "not true or false", where("Bool", "yes")},
		{"null", "not true or false", where("Null", "yes")},
		{"binary", "not in base64", where("BinaryEquals", "*")},
		{"address", "not an address", where("IpAddress", "10.0.0")},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := iam.New(iam.Options{
				Account: account,
				Region:  region,
				Roles:   map[string]iam.Role{function: role(c.Statement)},
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), function) {
				t.Errorf("got %v, want an error with %q and the function's name", err, c.want)
			}
		})
	}
}

// A pattern matches exactly what the equivalent regular expression matches.
func TestWildcardsAgainstRegularExpressions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(alphabet string, maxLength int) string {
		b := make([]byte, random.IntN(maxLength+1))
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(b)
	}
	matched := 0
	for range 3000 {
		pattern, name := "r"+word(`ab*?\`, 6), "r"+word(`ab\*`, 6)
		expression := regexp.MustCompile("(?s)^" +
			strings.NewReplacer(`\*`, ".*", `\?`,
				".").Replace(regexp.QuoteMeta(strings.ReplaceAll(pattern, `\`, "/"))) + "$")
		want := expression.MatchString(strings.ReplaceAll(name, `\`, "/"))
		got := guardOf(t, role(statement("Allow", "*", pattern, nil))).Check(fromFunction(t.Context()),
			"s3:GetObject", name, nil) == nil
		if got != want {
			t.Errorf("pattern %q, name %q: got match %t, want %t", pattern, name, got, want)
		}
		if got {
			matched++
		}
	}
	if matched < 100 {
		t.Errorf("got %d matching pairs, want at least 100", matched)
	}
}
