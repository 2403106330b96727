package dynamodb

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	one := item{"pk": str("a"), "sk": bin("\x00\xff"), "g": num("-1.5e-20"),
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{str(""), num(0)}}}
	first, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	f := serveFixture(t, first)
	f.createTable(t, "kept", "pk S, sk B", []index{{"by-g", "g N", "list"}}, nil)
	f.createTable(t, "dropped", "pk S", nil, nil)
	f.put(t, "kept", one)
	before := f.describe(t, "kept")
	if _, err := f.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("dropped")}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil {
		t.Error("a second Open of the folder succeeded, want an error")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	f = open(t, Options{Dir: dir})
	same(t, "description", f.describe(t, "kept"), before)
	want := f.get(t, "kept", item{"pk": str("a"), "sk": bin("\x00\xff")})
	if got := want["g"].(*types.AttributeValueMemberN).Value; !strings.HasSuffix(got, "15") ||
		!strings.HasPrefix(got, "-0.000") {
		t.Errorf("got the number %s, want -0.000…15", got)
	}
	same(t, "list", want["list"], one["list"])
	out, err := f.Query(t.Context(), &sdk.QueryInput{
		TableName:                 aws.String("kept"),
		IndexName:                 aws.String("by-g"),
		KeyConditionExpression:    aws.String("g = :g"),
		ExpressionAttributeValues: item{":g": num("-0.000000000000000000015")},
	})
	if err != nil || len(out.Items) != 1 {
		t.Fatalf("query: got %s, %v; want one item", dump(out), err)
	}
	same(t, "entry", out.Items[0], want)
	tables, err := f.ListTables(t.Context(), &sdk.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "tables", tables.TableNames, []string{"kept"})
}
