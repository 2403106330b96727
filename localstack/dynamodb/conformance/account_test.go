package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// API reference, DescribeLimits and DescribeEndpoints; Developer Guide,
// "Quotas" and "DynamoDB on-demand capacity mode".

func TestE11_Throughput(t *testing.T) {
	t.Run("the account's quotas", func(t *testing.T) {
		got := call(t.Context(), t, "DescribeLimits", `{}`)
		got.check(t, "{}")
		if target.local { // the quotas of an AWS account can be raised
			got.check(t, `{"AccountMaxReadCapacityUnits":80000,"AccountMaxWriteCapacityUnits":80000,"TableMaxReadCapacityUnits":40000,"TableMaxWriteCapacityUnits":40000}`)
		}
	})
	t.Run("a new table on demand is warm for 4,000 writes and 12,000 reads", func(t *testing.T) {
		newTable(t, "pk S").call(t, "DescribeTable", "{}").check(t,
			`{"Table":{"WarmThroughput":{"ReadUnitsPerSecond":12000,"WriteUnitsPerSecond":4000}}}`)
	})
	t.Run("one item of 400 KB takes 400 write units", func(t *testing.T) {
		newTable(t, "pk S").call(t, "PutItem",
			`{"Item":{"pk":"a","x":`+quoted("x", itemLimit-4)+
				`},"ReturnConsumedCapacity":"TOTAL"}`).check(t, `{"ConsumedCapacity":{"CapacityUnits":400}}`)
	})
}

func TestDescribeEndpoints(t *testing.T) {
	call(t.Context(), t, "DescribeEndpoints", `{}`).check(t, `{"Endpoints":[{"CachePeriodInMinutes":1440}]}`)
}

// Developer Guide, "Using time to live (TTL) in DynamoDB".

func TestE10_ExpiryIsDeclared(t *testing.T) {
	tb := newTable(t, "pk S")
	enable := func(name string, enabled bool) string {
		return fmt.Sprintf(`{"TimeToLiveSpecification":{"AttributeName":%q,"Enabled":%t}}`, name, enabled)
	}
	tb.call(t, "DescribeTimeToLive", "{}").check(t,
		`{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED","AttributeName":null}}`)
	tb.call(t, "UpdateTimeToLive", enable("until", false)).check(t,
		"ValidationException: TimeToLive is already disabled")
	tb.call(t, "UpdateTimeToLive", enable("until", true)).check(t,
		`{"TimeToLiveSpecification":{"AttributeName":"until","Enabled":true}}`)
	tb.call(t, "UpdateTimeToLive", enable("", true)).check(t, "ValidationException")
	tb.call(t, "UpdateTimeToLive", `{"TableName":"conformance-nothing","TimeToLiveSpecification":{"AttributeName":"a","Enabled":true}}`).check(t, "ResourceNotFoundException")
	skipOnAWS(t)
	eventually(t, "expiry is enabled", func() bool {
		return tb.must(t, "DescribeTimeToLive", "{}").at("TimeToLiveDescription", "TimeToLiveStatus") == "ENABLED"
	})
	tb.steps(t, []step{
		{"described", "DescribeTimeToLive", "{}",
			`{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"until"}}`},
		{"again", "UpdateTimeToLive", enable("until", true), "ValidationException: TimeToLive is already enabled"},
		{"on another attribute", "UpdateTimeToLive", enable("other", true),
			"ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is until"},
	})
}

func TestE10_Expiry(t *testing.T) {
	skipOnAWS(t)
	tb := newTable(t, "pk S", "GSI by-kind: kind S: ALL")
	now := time.Now().Unix()
	item := func(pk string, until any) string { return fmt.Sprintf(`{"pk":%q,"kind":"k","until":%v}`, pk, until) }
	tb.put(t, item("past", now-60), item("future", now+3600),
		item("string", fmt.Sprintf("%q", fmt.Sprint(now-60))), item("milliseconds", (now-60)*1000),
		item("six years", now-6*365*86400), item("fraction", fmt.Sprintf("%d.5", now-60)), `{"pk":"none","kind":"k"}`)
	t.Run("no item is deleted before expiry is enabled", func(t *testing.T) {
		tb.call(t, "Scan", `{"Select":"COUNT"}`).check(t, `{"Count":7}`)
	})
	tb.must(t, "UpdateTimeToLive", `{"TimeToLiveSpecification":{"AttributeName":"until","Enabled":true}}`)
	eventually(t, "the expired item is deleted", func() bool { return tb.get(t, `{"pk":"past"}`).at("Item") == nil })
	tb.put(t, item("past again", time.Now().Unix()-1))
	eventually(t, "an item put as expired is deleted",
		func() bool { return tb.get(t, `{"pk":"past again"}`).at("Item") == nil })
	for _, kept := range []string{"future", "string", "milliseconds", "six years", "none"} {
		if tb.get(t, fmt.Sprintf(`{"pk":%q}`, kept)).at("Item") == nil {
			t.Errorf("the item %q is deleted, want it kept", kept)
		}
	}
	eventually(t, "the expired items are removed from the index", func() bool {
		got := tb.must(t, "Query", queryRequest(t, `kind = {"k"}`, `"IndexName":"by-kind"`))
		return !strings.Contains(got.Text, `"past`)
	})
}
