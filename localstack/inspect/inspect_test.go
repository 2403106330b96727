package inspect

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// serve serves an inspector whose clock is stopped an hour after its start.
func serve(t *testing.T, s Source) (*Inspector, string) {
	t.Helper()
	now := start
	in := New(Options{Keep: 5, Now: func() time.Time { return now }})
	now = start.Add(time.Hour)
	in.SetSource(s)
	server := httptest.NewServer(in.Handler("/_localstack/"))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return in, server.URL + "/_localstack/"
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestBillCountsAsAWSDoes(t *testing.T) {
	t.Parallel()
	in, url := serve(t, Source{
		Arm: func(f string) bool { return f == "arm" },
	})
	for _, e := range []trace.Event{
		{Kind: trace.Message, Bytes: 1},
		{Kind: trace.Message, Bytes: 32 << 10},
		{Kind: trace.Message, Bytes: 32<<10 + 1}, // two
		{Kind: trace.Sent, Bytes: 0},
		{Kind: trace.Post, Bytes: 100},                                   // counted when it is sent
		{Kind: trace.Connect, ConnectionID: "a", Status: 101, At: start}, // open for an hour
		{Kind: trace.Connect, ConnectionID: "b", Status: 101, At: start.Add(-time.Second), Duration: time.Second},
		{Kind: trace.Disconnect, ConnectionID: "b", At: start.Add(2 * time.Minute), Duration: time.Second},
		{Kind: trace.Connect, ConnectionID: "c", Status: 401, At: start},
		{
			Kind:     trace.Invoke,
			Function: "arm",
			Duration: 500*time.Millisecond + 1,
			Init:     99 * time.Millisecond,
			MemoryMB: 512,
		}, // 600 ms
		{Kind: trace.Invoke, Function: "x86", Duration: time.Second, MemoryMB: 1024, Error: "x"},
		{Kind: trace.Request, Operation: "PutItem", WriteUnits: 3},
		{Kind: trace.Request, Operation: "Query", ReadUnits: 0.5},
		{Kind: trace.Request, Operation: "Decrypt"},
		{Kind: trace.Request, Operation: "ListKeys"},
	} {
		in.Trace(e)
	}
	_, body := get(t, url+"bill")
	var bill Bill
	if err := json.Unmarshal([]byte(body), &bill); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"API Gateway messages from clients": 4, "API Gateway messages to clients": 1,
		"API Gateway connection minutes": 62,
		"Lambda invocations":             2, "Lambda duration, arm64": 0.3, "Lambda duration, x86_64": 1,
		"DynamoDB reads": 0.5, "DynamoDB writes": 3, "KMS requests": 1,
	}
	sum := 0.0
	for _, l := range bill.Lines {
		name := l.Service + " " + l.Item
		if math.Abs(l.Quantity-want[name]) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, l.Quantity, want[name])
		}
		delete(want, name)
		sum += l.Quantity * l.Price
	}
	if len(want) > 0 {
		t.Errorf("the bill lacks %v", want)
	}
	if sum == 0 || math.Abs(bill.Total-sum) > 1e-12 {
		t.Errorf("total %v, want %v", bill.Total, sum)
	}
	if bill.PricesOf == "" || bill.Region != "us-east-1" || !bill.Since.Equal(start) {
		t.Errorf("bill since %v for %s of %q, want since %v for us-east-1 with a date", bill.Since,
			bill.Region, bill.PricesOf, start)
	}
}

func TestEventsAfterANumber(t *testing.T) {
	t.Parallel()
	in, url := serve(t, Source{})
	for i := range 7 { // of which five are kept
		in.Trace(trace.Event{Kind: trace.Request, Operation: fmt.Sprint("op", i+1)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"events?after=4", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	next := func() (e Entry) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &e); err != nil {
					t.Fatal(err)
				}
				return e
			}
		}
		t.Fatal("the stream ended: ", lines.Err())
		return e
	}
	for n := uint64(5); n <= 7; n++ {
		if e := next(); e.Number != n || e.Operation != fmt.Sprint("op", n) {
			t.Errorf("received %+v, want number %d", e, n)
		}
	}
	in.Trace(trace.Event{Kind: trace.Invoke, Function: "f", Invocation: "id"})
	if e := next(); e.Number != 8 || e.Invocation != "id" {
		t.Errorf("received %+v, want the new event", e)
	}
	if response, _ := get(t, url+"events?after=x"); response.StatusCode != http.StatusBadRequest {
		t.Errorf("after=x is answered %d, want 400", response.StatusCode)
	}
}

func TestStateAndItems(t *testing.T) {
	t.Parallel()
	in, url := serve(t, Source{
		Functions: func() []Function { return []Function{{Name: "f", MemoryMB: 128}, {Name: "idle"}} },
		Tables:    func() []Table { return []Table{{Name: "rooms", Items: 2}} },
		Items: func(_ context.Context, table string, limit int) ([]json.RawMessage, error) {
			if table != "rooms" {
				return nil, errors.New("there is no such table")
			}
			return []json.RawMessage{json.RawMessage(`{"id":{"S":"1"}}`)}, nil
		},
	})
	in.Trace(trace.Event{Kind: trace.Invoke, Function: "f", Duration: time.Second, Init: time.Minute})
	in.Trace(trace.Event{Kind: trace.Invoke, Function: "f", Duration: time.Second, Error: "Unhandled"})
	_, body := get(t, url+"state")
	var s State
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	if want := (FunctionStats{
		Invocations: 2,
		Errors:      1,
		ColdStarts:  1,
		Busy:        2 * time.Second,
		InitTime:    time.Minute,
	}); s.Functions[0].Stats != want {
		t.Errorf("stats %+v, want %+v", s.Functions[0].Stats, want)
	}
	if s.Functions[1].Stats != (FunctionStats{}) || s.Tables[0].Items != 2 || s.Bill.Total == 0 {
		t.Errorf("state %+v, want no statistics of idle, two items and a cost", s)
	}
	if _, body := get(t, url+"items?table=rooms"); strings.TrimSpace(body) != `[{"id":{"S":"1"}}]` {
		t.Errorf("items are %s, want one", body)
	}
	if response, _ := get(t, url+"items?table=other"); response.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown table is answered %d, want 400", response.StatusCode)
	}
}

func TestPageLoadsOnlyItsOwnFiles(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Source{})
	response, body := get(t, url)
	if response.StatusCode != http.StatusOK || !strings.Contains(body, "<title>Local stack</title>") {
		t.Errorf("the page is %d %.80s, want 200 and its title", response.StatusCode, body)
	}
	if p := response.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") ||
		strings.Contains(p, "unsafe") {
		t.Errorf("Content-Security-Policy is %q, want default-src 'none' and nothing unsafe", p)
	}
	for _, name := range []string{"page.js", "page.css"} {
		if response, _ := get(t, url+name); response.StatusCode != http.StatusOK {
			t.Errorf("%s is answered %d, want 200", name, response.StatusCode)
		}
	}
	if response, err := http.Post(url+"state", "text/plain", nil); err != nil ||
		response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered %v, %v, want 405", response, err)
	}
}
