package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// Developer Guide, "Paginating table query results" and "Scanning tables": a
// page ends when the items that were read, before the filter, reach 1 MB or
// Limit.

func TestE8_Pages(t *testing.T) {
	tb := newTable(t, "pk S, sk S")
	tb.fill(t, 12, 100<<10) // 12 items of 100 KB
	none := `"FilterExpression":"attribute_exists(gone)"`
	page := tb.must(t, "Query", queryRequest(t, `pk = {"p"}`))
	page.check(t, `{"Count":11,"ScannedCount":11,"LastEvaluatedKey":{"pk":"p","sk":"010"}}`) // the eleventh item exceeds 1 MB
	tb.steps(t, []step{
		{"the rest", "Query", queryRequest(t, `pk = {"p"}`, `"ExclusiveStartKey":{"pk":"p","sk":"010"}`),
			`{"Count":1,"LastEvaluatedKey":null}`},
		{"before the filter", "Query", queryRequest(t, `pk = {"p"}`, none),
			`{"Count":0,"ScannedCount":11,"Items":[],"LastEvaluatedKey":{"pk":"p","sk":"010"}}`},
		{"the rest of that", "Query", queryRequest(t, `pk = {"p"}`, none,
			`"ExclusiveStartKey":{"pk":"p","sk":"010"}`), `{"Count":0,"ScannedCount":1,"LastEvaluatedKey":null}`},
		{"counted only", "Query", queryRequest(t, `pk = {"p"}`, `"Select":"COUNT"`),
			`{"Count":11,"Items":null,"LastEvaluatedKey":{"pk":"p","sk":"010"}}`},
		{"before the projection", "Query", queryRequest(t, `pk = {"p"}`, `"ProjectionExpression":"sk"`),
			`{"Count":11,"LastEvaluatedKey":{"pk":"p","sk":"010"}}`},
		{"backwards", "Query", queryRequest(t, `pk = {"p"}`,
			`"ScanIndexForward":false,"ProjectionExpression":"sk"`),
			`{"Count":11,"LastEvaluatedKey":{"pk":"p","sk":"001"}}`},
		{"the last backwards", "Query", queryRequest(t, `pk = {"p"}`,
			`"ScanIndexForward":false,"ProjectionExpression":"sk","ExclusiveStartKey":{"pk":"p","sk":"001"}`), `{"Items":[{"sk":"000"}],"LastEvaluatedKey":null}`},
		{"a scan", "Scan", `{"ProjectionExpression":"sk"}`, `{"Count":11,"LastEvaluatedKey":{"pk":"p","sk":"010"}}`},
	})
}

func TestE8_Limit(t *testing.T) {
	tb := newTable(t, "pk S, sk S")
	tb.fill(t, 5, 100)
	odd := expressions(t, "KeyConditionExpression", `pk = {"p"}`, "FilterExpression", "odd = {true}")
	tb.steps(t, []step{
		{"two", "Query", queryRequest(t, `pk = {"p"}`, `"Limit":2,"ProjectionExpression":"sk"`),
			`{"Items":[{"sk":"000"},{"sk":"001"}],"LastEvaluatedKey":{"pk":"p","sk":"001"}}`},
		{"counts items before the filter", "Query", `{` + odd + `,"Limit":3}`,
			`{"Count":1,"ScannedCount":3,"LastEvaluatedKey":{"pk":"p","sk":"002"}}`},
		{"no item passes the filter", "Query", `{` + odd + `,"Limit":1}`,
			`{"Count":0,"ScannedCount":1,"Items":[],"LastEvaluatedKey":{"pk":"p","sk":"000"}}`},
		{"exactly all", "Query", queryRequest(t, `pk = {"p"}`, `"Limit":5`),
			`{"Count":5,"LastEvaluatedKey":{"pk":"p","sk":"004"}}`},
		{"after all", "Query", queryRequest(t, `pk = {"p"}`,
			`"Limit":5,"ExclusiveStartKey":{"pk":"p","sk":"004"}`), `{"Count":0,"Items":[],"LastEvaluatedKey":null}`},
		{"more than all", "Query", queryRequest(t, `pk = {"p"}`, `"Limit":6`), `{"Count":5,"LastEvaluatedKey":null}`},
		{"start at a missing item", "Query",
			queryRequest(t, `pk = {"p"}`, `"ExclusiveStartKey":{"pk":"p","sk":"0015"},"ProjectionExpression":"sk"`), `{"Items":[{"sk":"002"},{"sk":"003"},{"sk":"004"}]}`},
		{"scan", "Scan", `{"Limit":2,"ProjectionExpression":"sk"}`,
			`{"Items":[{"sk":"000"},{"sk":"001"}],"LastEvaluatedKey":{"pk":"p","sk":"001"}}`},
		{"scan on", "Scan", `{"Limit":9,"ProjectionExpression":"sk","ExclusiveStartKey":{"pk":"p","sk":"001"}}`, `{"Items":[{"sk":"002"},{"sk":"003"},{"sk":"004"}],"LastEvaluatedKey":null}`},
		{"start without sort key", "Query", queryRequest(t, `pk = {"p"}`, `"ExclusiveStartKey":{"pk":"p"}`),
			"ValidationException: The provided starting key is invalid"},
		{"start with too much", "Query", queryRequest(t, `pk = {"p"}`,
			`"ExclusiveStartKey":{"pk":"p","sk":"0","x":1}`),
			"ValidationException: The provided starting key is invalid"},
		{"start elsewhere", "Query", queryRequest(t, `pk = {"p"}`, `"ExclusiveStartKey":{"pk":"q","sk":"0"}`),
			"ValidationException: The provided starting key is outside query boundaries based on provided conditions"},
		{"start outside the condition", "Query",
			queryRequest(t, `pk = {"p"} AND sk > {"002"}`, `"ExclusiveStartKey":{"pk":"p","sk":"001"}`),
			"ValidationException: The provided starting key does not match the range key predicate"},
		{"start of the wrong type", "Query",
			queryRequest(t, `pk = {"p"}`, `"ExclusiveStartKey":{"pk":"p","sk":1}`),
			"ValidationException: …The provided key element does not match the schema"},
	})
}

// fill puts n items of about size bytes each, with the partition key "p".
func (tb *table) fill(t testing.TB, n, size int) {
	t.Helper()
	for i := range n {
		tb.put(t, fmt.Sprintf(`{"pk":"p","sk":"%03d","odd":%t,"x":%s}`, i, i%2 == 1, quoted("x", size)))
	}
}

// Developer Guide, "Parallel scan".
func TestParallelScan(t *testing.T) {
	tb := newTable(t, "pk S")
	const items = 60
	for i := 0; i < items; i += 20 {
		var puts []string
		for j := i; j < i+20; j++ {
			puts = append(puts, fmt.Sprintf(`{"PutRequest":{"Item":{"pk":"item %d"}}}`, j))
		}
		tb.must(t, "BatchWriteItem", `{"RequestItems":{"$T":[`+strings.Join(puts, ",")+`]}}`)
	}
	for _, total := range []int{1, 2, 7} {
		seen := map[any]int{}
		for segment := range total {
			start := ""
			for {
				got := tb.must(t, "Scan", fmt.Sprintf(`{"ConsistentRead":true,"Limit":4,"Segment":%d,"TotalSegments":%d%s}`, segment, total, start))
				for _, item := range got.items() {
					seen[(answer{Body: item.(map[string]any)}).at("pk", "S")]++
				}
				next := got.at("LastEvaluatedKey", "pk", "S")
				if next == nil {
					break
				}
				start = fmt.Sprintf(`,"ExclusiveStartKey":{"pk":%q}`, next)
			}
		}
		if len(seen) != items {
			t.Errorf("%d segments: got %d items, want %d", total, len(seen), items)
		}
		for pk, times := range seen {
			if times != 1 {
				t.Errorf("%d segments: got %v %d times, want once", total, pk, times)
			}
		}
	}
	const v = "ValidationException: "
	tb.steps(t, []step{
		{"no total", "Scan", `{"Segment":0}`,
			v + "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"},
		{"no segment", "Scan", `{"TotalSegments":2}`,
			v + "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"},
		{"too high", "Scan", `{"Segment":2,"TotalSegments":2}`,
			v + "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2"},
		{"too many", "Scan", `{"Segment":0,"TotalSegments":1000001}`,
			v + "…Member must have value less than or equal to 1000000"},
		{"negative", "Scan", `{"Segment":-1,"TotalSegments":2}`,
			v + "…Member must have value greater than or equal to 0"},
	})
}
