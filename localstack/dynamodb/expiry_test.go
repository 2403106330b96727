package dynamodb

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestExpiry(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var elapsed atomic.Int64
	f := open(t, Options{
		SweepInterval: time.Millisecond,
		Now:           func() time.Time { return start.Add(time.Duration(elapsed.Load())) },
	})
	f.createTable(t, "sessions", "pk S", []index{{"by-user", "user S", "KEYS_ONLY"}}, nil)
	at := func(d time.Duration) types.AttributeValue { return num(start.Add(d).Unix()) }
	session := func(pk string, ttl types.AttributeValue) item {
		return item{"pk": str(pk), "user": str("u"), "ttl": ttl}
	}
	for i := range 250 { // items that exist before expiry is enabled, more than sweepChunk
		f.put(t, "sessions", session(fmt.Sprint("early", i), at(-time.Minute)))
	}
	spec := &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)}
	update := &sdk.UpdateTimeToLiveInput{TableName: aws.String("sessions"), TimeToLiveSpecification: spec}
	if _, err := f.UpdateTimeToLive(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	_, err := f.UpdateTimeToLive(t.Context(), update)
	wantError(t, err, "ValidationException", "TimeToLive is already enabled")

	keep := []item{
		session("later", at(time.Hour)),
		session("text", str(fmt.Sprint(start.Unix()-60))),
		session("ancient", at(-6*365*24*time.Hour)),
		session("renewed", at(time.Hour)),
		{"pk": str("none"), "user": str("u")},
	}
	f.put(t, "sessions", session("renewed", at(30*time.Minute)))
	f.put(t, "sessions", keep...)
	f.put(t, "sessions", session("soon", at(time.Minute)), session("due", at(-time.Second)),
		session("fraction", num(fmt.Sprintf("%d.3", start.Unix()-60))))
	pks := func(name *string) map[string]bool {
		out, err := f.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("sessions"), IndexName: name})
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]bool)
		for _, pk := range texts(out.Items, "pk") {
			got[pk] = true
		}
		return got
	}
	want := map[string]bool{"soon": true}
	for _, it := range keep {
		want[it["pk"].(*types.AttributeValueMemberS).Value] = true
	}
	eventually(t, "expired items are deleted", func() bool { return len(pks(nil)) <= len(want) })
	same(t, "left", pks(nil), want)

	elapsed.Store(int64(45 * time.Minute))
	delete(want, "soon")
	eventually(t, "items that expire later are deleted", func() bool { return len(pks(nil)) <= len(want) })
	same(t, "left", pks(nil), want)
	same(t, "left in the index", pks(aws.String("by-user")), want)

	spec.AttributeName = aws.String("other")
	_, err = f.UpdateTimeToLive(t.Context(), update)
	wantError(t, err, "ValidationException",
		"TimeToLive is active on a different AttributeName: current AttributeName is ttl")
	spec.AttributeName, spec.Enabled = aws.String("ttl"), aws.Bool(false)
	if _, err := f.UpdateTimeToLive(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	_, err = f.UpdateTimeToLive(t.Context(), update)
	wantError(t, err, "ValidationException", "TimeToLive is already disabled")
}
