package dynamodb

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// costs are capacity units: the total, those of the table and of each index.
type costs struct {
	total, table float64
	index        map[string]float64
}

func costsOf(c *types.ConsumedCapacity) costs {
	out := costs{total: *c.CapacityUnits, table: *c.Table.CapacityUnits}
	for _, side := range []map[string]types.Capacity{c.GlobalSecondaryIndexes, c.LocalSecondaryIndexes} {
		for name, units := range side {
			if out.index == nil {
				out.index = make(map[string]float64)
			}
			out.index[name] = *units.CapacityUnits
		}
	}
	return out
}

func TestWriteCapacity(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "costs", "pk S", []index{{"whole", "g S", "ALL"}, {"keys", "k S", "KEYS_ONLY"}}, nil)
	put := func(it item) costs {
		t.Helper()
		out, err := f.PutItem(t.Context(), &sdk.PutItemInput{
			TableName:              aws.String("costs"),
			Item:                   it,
			ReturnConsumedCapacity: "INDEXES",
		})
		if err != nil {
			t.Fatal(err)
		}
		return costsOf(out.ConsumedCapacity)
	}
	del := func(pk string) costs {
		t.Helper()
		out, err := f.DeleteItem(t.Context(), &sdk.DeleteItemInput{
			TableName:              aws.String("costs"),
			Key:                    item{"pk": str(pk)},
			ReturnConsumedCapacity: "INDEXES",
		})
		if err != nil {
			t.Fatal(err)
		}
		return costsOf(out.ConsumedCapacity)
	}
	type ix = map[string]float64
	for _, tt := range []struct {
		name string
		got  costs
		want costs
	}{
		// The names pk and t and the key's value have 4 bytes.
		{"1 KiB", put(item{"pk": str("a"), "t": str(long(1020))}), costs{1, 1, nil}},
		{"1 byte more", put(item{"pk": str("a"), "t": str(long(1021))}), costs{2, 2, nil}},
		{"smaller over larger", put(item{"pk": str("a")}), costs{2, 2, nil}},
		{"new entries", put(item{"pk": str("a"), "g": str("1"), "k": str("1"), "t": str(long(2000))}),
			costs{5, 2, ix{"whole": 2, "keys": 1}}},
		{"no change of an entry", put(item{"pk": str("a"), "g": str("1"), "k": str("1"), "t": str(long(2001))}),
			costs{4, 2, ix{"whole": 2}}},
		{"moved entries", put(item{"pk": str("a"), "g": str("2"), "k": str("2"), "t": str(long(100))}),
			costs{7, 2, ix{"whole": 3, "keys": 2}}},
		{"removed entry", put(item{"pk": str("a"), "g": str("2"), "t": str(long(100))}),
			costs{3, 1, ix{"whole": 1, "keys": 1}}},
		{"delete", del("a"), costs{2, 1, ix{"whole": 1}}},
		{"delete of nothing", del("a"), costs{1, 1, nil}},
	} {
		same(t, tt.name, []any{tt.got.total, tt.got.table, tt.got.index},
			[]any{tt.want.total, tt.want.table, tt.want.index})
	}
}

func TestReadCapacity(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "costs", "pk S", []index{{"by-g", "g S", "ALL"}}, nil)
	// 4096 bytes, and one byte more.
	f.put(t, "costs", item{"pk": str("a"), "t": str(long(4096 - 4))}, item{"pk": str("b"), "t": str(long(4097 - 4))},
		item{"pk": str("c"), "g": str("x")}, item{"pk": str("d"), "g": str("x")})
	get := func(pk string, consistent bool) float64 {
		t.Helper()
		out, err := f.GetItem(t.Context(), &sdk.GetItemInput{
			TableName:              aws.String("costs"),
			Key:                    item{"pk": str(pk)},
			ConsistentRead:         &consistent,
			ReturnConsumedCapacity: "TOTAL",
		})
		if err != nil {
			t.Fatal(err)
		}
		if out.ConsumedCapacity.Table != nil {
			t.Error("TOTAL returns Table, want the total only")
		}
		return *out.ConsumedCapacity.CapacityUnits
	}
	query := func(name *string, condition, value string) costs {
		t.Helper()
		out, err := f.Query(t.Context(), &sdk.QueryInput{
			TableName:                 aws.String("costs"),
			IndexName:                 name,
			KeyConditionExpression:    &condition,
			ExpressionAttributeValues: item{":v": str(value)},
			ReturnConsumedCapacity:    "INDEXES",
		})
		if err != nil {
			t.Fatal(err)
		}
		return costsOf(out.ConsumedCapacity)
	}
	same(t, "gets", []float64{get("a", true), get("a", false), get("b", true), get("b", false),
		get("none", true), get("none", false)},
		[]float64{1, 0.5, 2, 1, 1, 0.5})
	same(t, "empty query", query(nil, "pk = :v", "none").total, 0.5)
	same(t, "query of 4097 bytes", query(nil, "pk = :v", "b").total, 1.0)
	by := query(aws.String("by-g"), "g = :v", "x")
	same(t, "query of an index", []any{by.total, by.table, by.index}, []any{0.5, 0.0, map[string]float64{"by-g": 0.5}})
	scan, err := f.Scan(t.Context(), &sdk.ScanInput{
		TableName:              aws.String("costs"),
		ConsistentRead:         aws.Bool(true),
		ReturnConsumedCapacity: "TOTAL",
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "scan", *scan.ConsumedCapacity.CapacityUnits, 3.0)
}
