package dynamodb

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// numbers returns a number attribute of each item.
func numbers(items []item, name string) []string {
	var out []string
	for _, it := range items {
		out = append(out, it[name].(*types.AttributeValueMemberN).Value)
	}
	return out
}

// texts returns a string attribute of each item.
func texts(items []item, name string) []string {
	var out []string
	for _, it := range items {
		out = append(out, it[name].(*types.AttributeValueMemberS).Value)
	}
	return out
}

// queryAll returns the items of all pages of a query.
func (f *fixture) queryAll(t *testing.T, in *sdk.QueryInput) (all []item) {
	t.Helper()
	for {
		out, err := f.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Items...)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return all
		}
	}
}

func TestQueryConditions(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "numbers", "pk S, sk N", nil, nil)
	f.createTable(t, "texts", "pk S, sk S", nil, nil)
	for _, v := range []string{"-10", "-9.5", "-1", "0", "0.001", "2", "10", "1e20"} {
		f.put(t, "numbers", item{"pk": str("p"), "sk": num(v)}, item{"pk": str("other"), "sk": num(v)})
	}
	for _, v := range []string{"a", "a\x00", "a\x00b", "ab", "b", "ba", "é"} {
		f.put(t, "texts", item{"pk": str("p"), "sk": str(v)}, item{"pk": str("p\x00"), "sk": str(v)})
	}
	for _, tt := range []struct {
		table, condition string
		values           item
		want             []string
	}{
		{"numbers", "", nil, []string{"-10", "-9.5", "-1", "0", "0.001", "2", "10", "100000000000000000000"}},
		{"numbers", "sk = :a", item{":a": num("0.0010")}, []string{"0.001"}},
		{"numbers", "sk < :a", item{":a": num(0)}, []string{"-10", "-9.5", "-1"}},
		{"numbers", "sk <= :a", item{":a": num("-9.5")}, []string{"-10", "-9.5"}},
		{"numbers", "sk > :a", item{":a": num(2)}, []string{"10", "100000000000000000000"}},
		{"numbers", "sk >= :a", item{":a": num(2)}, []string{"2", "10", "100000000000000000000"}},
		{"numbers", "sk BETWEEN :a AND :b", item{":a": num("-9.5"), ":b": num("0.001")},
			[]string{"-9.5", "-1", "0", "0.001"}},
		{"numbers", "sk = :a", item{":a": num(3)}, nil},
		{"texts", "begins_with(sk, :a)", item{":a": str("a")}, []string{"a", "a\x00", "a\x00b", "ab"}},
		{"texts", "begins_with(sk, :a)", item{":a": str("a\x00")}, []string{"a\x00", "a\x00b"}},
		{"texts", "sk > :a", item{":a": str("a")}, []string{"a\x00", "a\x00b", "ab", "b", "ba", "é"}},
		{"texts", "sk <= :a", item{":a": str("a")}, []string{"a"}},
		{"texts", "sk BETWEEN :a AND :b", item{":a": str("ab"), ":b": str("b")}, []string{"ab", "b"}},
	} {
		t.Run(tt.table+" "+tt.condition, func(t *testing.T) {
			condition, values := "pk = :pk", item{":pk": str("p")}
			if tt.condition != "" {
				condition += " AND " + tt.condition
			}
			for k, v := range tt.values {
				values[k] = v
			}
			for _, forward := range []bool{true, false} {
				out, err := f.Query(t.Context(), &sdk.QueryInput{
					TableName:                 &tt.table,
					KeyConditionExpression:    &condition,
					ExpressionAttributeValues: values,
					ScanIndexForward:          &forward,
				})
				if err != nil {
					t.Fatal(err)
				}
				got := texts
				if tt.table == "numbers" {
					got = numbers
				}
				want := slices.Clone(tt.want)
				if !forward {
					slices.Reverse(want)
				}
				same(t, fmt.Sprint("forward ", forward), got(out.Items, "sk"), want)

				paged := f.queryAll(t, &sdk.QueryInput{
					TableName:                 &tt.table,
					KeyConditionExpression:    &condition,
					ExpressionAttributeValues: values,
					ScanIndexForward:          &forward,
					Limit:                     aws.Int32(2),
				})
				same(t, fmt.Sprint("paged, forward ", forward), got(paged, "sk"), want)
			}
		})
	}
}

// postsTable has posts by author, global indexes by topic and a local one by
// score. One post has moved in the indexes, another one has left them.
func postsTable(t *testing.T) *fixture {
	f := open(t, Options{})
	f.createTable(t, "posts", "author S, id N",
		[]index{{"by-topic", "topic S, score N", "title"}, {"keys", "topic S", "KEYS_ONLY"},
			{"whole", "topic S, score N", "ALL"}},
		[]index{{"by-score", "author S, score N", "title"}})
	post := func(author string, id, score int, topic string) item {
		return item{"author": str(author), "id": num(id), "score": num(score), "topic": str(topic),
			"title": str(fmt.Sprint("t", id)), "body": str("…")}
	}
	f.put(t, "posts", post("ada", 1, 30, "go"), post("ada", 2, 10, "go"), post("bob", 3, 20, "go"),
		post("bob", 4, 10, "go"), post("bob", 5, 1, "js"),
		item{"author": str("ada"), "id": num(6), "topic": str("go")}) // no score, so it is not in the indexes by score
	// Move and remove entries.
	f.put(t, "posts", post("bob", 5, 40, "go"))
	if _, err := f.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName:        aws.String("posts"),
		Key:              item{"author": str("bob"), "id": num(3)},
		UpdateExpression: aws.String("REMOVE topic"),
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

// queryPosts queries the posts about go by the index by-topic, after change.
func (f *fixture) queryPosts(t *testing.T, change func(*sdk.QueryInput)) (*sdk.QueryOutput, error) {
	t.Helper()
	in := &sdk.QueryInput{
		TableName:                 aws.String("posts"),
		IndexName:                 aws.String("by-topic"),
		KeyConditionExpression:    aws.String("topic = :t"),
		ExpressionAttributeValues: item{":t": str("go")},
	}
	change(in)
	return f.Query(t.Context(), in)
}

func TestQueryIndexes(t *testing.T) {
	f := postsTable(t)
	query := func(change func(*sdk.QueryInput)) *sdk.QueryOutput {
		t.Helper()
		out, err := f.queryPosts(t, change)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	byScore := func(in *sdk.QueryInput) {
		in.IndexName, in.KeyConditionExpression = aws.String("by-score"), aws.String("author = :t")
		in.ExpressionAttributeValues = item{":t": str("ada")}
	}

	out := query(func(*sdk.QueryInput) {})
	same(t, "by topic", numbers(out.Items, "score"), []string{"10", "10", "30", "40"})
	same(t, "included attributes", len(out.Items[0]), 5)
	same(t, "keys only", query(func(in *sdk.QueryInput) { in.IndexName = aws.String("keys") }).Count, int32(5))
	same(t, "whole", len(query(func(in *sdk.QueryInput) { in.IndexName = aws.String("whole") }).Items[0]), 6)

	out = query(func(in *sdk.QueryInput) { in.Limit = aws.Int32(1) })
	same(t, "LastEvaluatedKey", out.LastEvaluatedKey,
		item{"author": str("bob"), "id": num(4), "topic": str("go"), "score": num(10)})
	out = query(func(in *sdk.QueryInput) { in.ExclusiveStartKey = out.LastEvaluatedKey })
	same(t, "the next page", numbers(out.Items, "id"), []string{"2", "1", "5"})

	out = query(byScore)
	same(t, "local index", numbers(out.Items, "id"), []string{"2", "1"})
	same(t, "its attributes", len(out.Items[0]), 4)
	out = query(func(in *sdk.QueryInput) {
		byScore(in)
		in.Select, in.ReturnConsumedCapacity = types.SelectAllAttributes, types.ReturnConsumedCapacityIndexes
	})
	same(t, "fetched from the table", len(out.Items[0]), 6)
	same(t, "capacity of the table", *out.ConsumedCapacity.Table.CapacityUnits, 1.0) // two items of half a unit
	same(t, "capacity of the index", *out.ConsumedCapacity.LocalSecondaryIndexes["by-score"].CapacityUnits, 0.5)
	out = query(func(in *sdk.QueryInput) { byScore(in); in.ProjectionExpression = aws.String("body") })
	same(t, "fetched for the projection", texts(out.Items, "body"), []string{"…", "…"})
	out = query(func(in *sdk.QueryInput) { in.Select = types.SelectCount })
	same(t, "count", []any{out.Count, out.Items}, []any{int32(4), []item(nil)})
}

func TestQueryIndexRefusals(t *testing.T) {
	f := postsTable(t)
	for _, tt := range []struct {
		change  func(*sdk.QueryInput)
		message string
	}{
		{func(in *sdk.QueryInput) { in.Select = types.SelectAllAttributes },
			"Select type ALL_ATTRIBUTES is not supported for global secondary index by-topic because its projection type is not ALL"},
		{func(in *sdk.QueryInput) { in.ProjectionExpression = aws.String("title, body") },
			"Global secondary index by-topic does not project [body]"},
		{func(in *sdk.QueryInput) { in.ProjectionExpression = aws.String("body, extra") },
			"Global secondary index by-topic does not project [body, extra]"},
		{func(in *sdk.QueryInput) { in.ConsistentRead = aws.Bool(true) },
			"Consistent reads are not supported on global secondary indexes"},
		{func(in *sdk.QueryInput) { in.IndexName = aws.String("nothing") },
			"The table does not have the specified index: nothing"},
		{func(in *sdk.QueryInput) { in.IndexName = nil }, "Query condition missed key schema element: author"},
		{func(in *sdk.QueryInput) { in.KeyConditionExpression = aws.String("topic > :t") },
			"Query key condition not supported"},
		{func(in *sdk.QueryInput) { in.KeyConditionExpression = aws.String("topic = :t AND title = :t") },
			"Query condition missed key schema element: score"},
		{func(in *sdk.QueryInput) { in.KeyConditionExpression = aws.String("topic = :t AND score = :t") },
			"Condition parameter type does not match schema type"},
		{func(in *sdk.QueryInput) { in.KeyConditionExpression, in.ExpressionAttributeValues = nil, nil },
			"Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{func(in *sdk.QueryInput) { in.KeyConditionExpression = nil },
			"ExpressionAttributeValues can only be specified when using expressions: FilterExpression and KeyConditionExpression are null"},
		{func(in *sdk.QueryInput) { in.FilterExpression = aws.String("score = :t") },
			"Filter Expression can only contain non-primary key attributes: Primary key attribute: score"},
		{func(in *sdk.QueryInput) { in.Limit = aws.Int32(0) },
			"Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{func(in *sdk.QueryInput) { in.ExclusiveStartKey = item{"topic": str("go")} },
			"The provided starting key is invalid"},
		{func(in *sdk.QueryInput) {
			in.ExclusiveStartKey = item{"author": str("ada"), "id": num(2), "topic": str("js"), "score": num(10)}
		}, "The provided starting key is outside query boundaries based on provided conditions"},
		{func(in *sdk.QueryInput) { in.Select = types.SelectSpecificAttributes },
			"Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
		{func(in *sdk.QueryInput) { in.IndexName, in.Select = nil, types.SelectAllProjectedAttributes },
			"ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
	} {
		_, err := f.queryPosts(t, tt.change)
		wantError(t, err, "ValidationException", tt.message)
	}
}

func TestLimitCountsItemsBeforeTheFilter(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "items", "pk S, sk N", nil, nil)
	for i := range 10 {
		f.put(t, "items", item{"pk": str("p"), "sk": num(i), "even": &types.AttributeValueMemberBOOL{Value: i%2 == 0}})
	}
	out, err := f.Query(t.Context(), &sdk.QueryInput{
		TableName:                 aws.String("items"),
		KeyConditionExpression:    aws.String("pk = :p"),
		FilterExpression:          aws.String("even = :t"),
		Limit:                     aws.Int32(5),
		ExpressionAttributeValues: item{":p": str("p"), ":t": &types.AttributeValueMemberBOOL{Value: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "found", numbers(out.Items, "sk"), []string{"0", "2", "4"})
	same(t, "counts", []int32{out.Count, out.ScannedCount}, []int32{3, 5})
	same(t, "LastEvaluatedKey", out.LastEvaluatedKey, item{"pk": str("p"), "sk": num(4)})
}

func TestPagesEndAtOneMegabyte(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "large", "pk S, sk N", nil, nil)
	const count, size = 25, 100 << 10
	for i := range count {
		f.put(t, "large", item{"pk": str("p"), "sk": num(i), "t": str(long(size))})
	}
	in := &sdk.QueryInput{
		TableName:                 aws.String("large"),
		KeyConditionExpression:    aws.String("pk = :p"),
		ReturnConsumedCapacity:    "TOTAL",
		FilterExpression:          aws.String("attribute_exists(nothing_like_it)"),
		ExpressionAttributeValues: item{":p": str("p")},
	}
	var scanned []int32
	for {
		out, err := f.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		scanned = append(scanned, out.ScannedCount)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
		// 11 items of 100 KiB and a few bytes: 276 units of 4 KiB, halved.
		same(t, "capacity of a full page", *out.ConsumedCapacity.CapacityUnits, 138.0)
	}
	same(t, "evaluated items", scanned, []int32{11, 11, 3})
}

func TestScanSegments(t *testing.T) {
	f := open(t, Options{})
	f.createTable(t, "items", "pk S", []index{{"by-k", "k N", "ALL"}}, nil)
	const count = 200
	for i := range count {
		f.put(t, "items", item{"pk": str(fmt.Sprint("p", i)), "k": num(i % 50)})
	}
	for _, name := range []*string{nil, aws.String("by-k")} {
		for _, total := range []int32{1, 3, 7} {
			seen := make(map[string]int)
			largest := 0
			for segment := range total {
				var start item
				found := 0
				for {
					out, err := f.Scan(t.Context(), &sdk.ScanInput{
						TableName:         aws.String("items"),
						IndexName:         name,
						Limit:             aws.Int32(9),
						Segment:           &segment,
						TotalSegments:     &total,
						ExclusiveStartKey: start,
					})
					if err != nil {
						t.Fatal(err)
					}
					for _, pk := range texts(out.Items, "pk") {
						seen[pk]++
						found++
					}
					if start = out.LastEvaluatedKey; start == nil {
						break
					}
				}
				largest = max(largest, found)
			}
			if len(seen) != count {
				t.Errorf("%d segments: got %d items, want %d", total, len(seen), count)
			}
			for pk, times := range seen {
				if times != 1 {
					t.Errorf("%d segments: got %s %d times, want once", total, pk, times)
				}
			}
			if total > 1 && largest > count*2/int(total) {
				t.Errorf("%d segments: one has %d of %d items, want at most %d", total, largest, count,
					count*2/int(total))
			}
		}
	}
	for _, tt := range []struct {
		in      sdk.ScanInput
		message string
	}{
		{sdk.ScanInput{Segment: aws.Int32(0)}, "The TotalSegments parameter is required"},
		{sdk.ScanInput{TotalSegments: aws.Int32(2)}, "The Segment parameter is required"},
		{sdk.ScanInput{
			Segment:       aws.Int32(2),
			TotalSegments: aws.Int32(2),
		}, "Segment: 2 is not less than TotalSegments: 2"},
		{sdk.ScanInput{
			Segment:       aws.Int32(0),
			TotalSegments: aws.Int32(1_000_001),
		}, "Member must have value less than or equal to 1000000"},
	} {
		tt.in.TableName = aws.String("items")
		_, err := f.Scan(t.Context(), &tt.in)
		wantError(t, err, "ValidationException", tt.message)
	}
}
