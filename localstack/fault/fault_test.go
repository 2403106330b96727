package fault_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/fault"
)

func TestInvalidRequests(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "", ``, "EOF"},
		{"POST", "", `{`, "EOF"},
		{"POST", "", `[]`, "read the JSON"},
		{"POST", "", `{"kind":"lambda.twice"}{}`, "more than one"},
		{"POST", "", `{"kind":"lambda.twice","odds":1}`, "odds"},
		{"POST", "", `{"target":"f"}`, `unknown kind ""; the kinds are dynamodb.conflict, `},
		{"POST", "", `{"kind":"lambda.explode"}`, "lambda.explode"},
		{"POST", "", `{"kind":"lambda.twice","target":"h"}`, `no function "h"; the functions are f, g`},
		{"POST", "", `{"kind":"lambda.twice","target":""}`, "target is empty"},
		{"POST", "", `{"kind":"lambda.twice","probability":1.5}`, "between 0 and 1"},
		{"POST", "", `{"kind":"lambda.twice","probability":-0.5}`, "between 0 and 1"},
		{"POST", "", `{"kind":"lambda.twice","count":-1}`, "count"},
		{"POST", "", `{"kind":"lambda.twice","delay":"1s"}`, "takes no delay"},
		{"POST", "", `{"kind":"lambda.twice","table":"things"}`, "takes no table"},
		{"POST", "", `{"kind":"lambda.hold"}`, "needs a delay"},
		{"POST", "", `{"kind":"lambda.hold","delay":"soon"}`, `"soon" is not a duration`},
		{"POST", "", `{"kind":"lambda.hold","delay":5}`, "delay"},
		{"POST", "", `{"kind":"lambda.hold","delay":"-1s"}`, "between 0 and 15m"},
		{"POST", "", `{"kind":"lambda.hold","delay":"1h"}`, "between 0 and 15m"},
		{"POST", "", `{"kind":"dynamodb.error","target":"Put"}`, `no operation "Put"`},
		{"POST", "", `{"kind":"dynamodb.conflict","target":"GetItem"}`, "cannot conflict with a transaction"},
		{"POST", "", `{"kind":"lambda.kill-now","target":"h"}`, `no function "h"`},
		{"POST", "", `{"kind":"lambda.kill-now","count":3}`, "no count"},
		{"POST", "", `{"kind":"stack.exit","target":"f"}`, "takes no target"},
		{"PUT", "", `{"faults":[{"kind":"lambda.twice"},{"kind":"lambda.hold"}]}`,
			"fault 2: lambda.hold needs a delay"},
		{"PUT", "", `{"faults":[{"kind":"stack.exit"}]}`, "is an action"},
		{"PUT", "", `{"seed":"x"}`, "seed"},
		{"PUT", "", `{"rules":[]}`, "rules"},
		{"DELETE", "/first", ``, "must be a number"},
	} {
		status, answer := s.request(c.method, c.path, c.body)
		if status != http.StatusBadRequest || !strings.Contains(strings.ReplaceAll(answer, `\"`, `"`), c.want) {
			t.Errorf("%s %s: got %d %s, want 400 with %q", c.method, c.body, status, answer, c.want)
		}
	}
	if status, _ := s.request("DELETE", "/77", ""); status != http.StatusNotFound {
		t.Errorf("DELETE of an unknown id: got %d, want 404", status)
	}
	if status, _ := s.request("PATCH", "", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("PATCH: got %d, want 405", status)
	}
	if on := call[fault.State](s, "GET", "", "").Faults; len(on) != 0 {
		t.Errorf("after invalid requests: got the faults %+v, want none", on)
	}
}

func TestSetListAndClear(t *testing.T) {
	s := start(t)
	state := call[fault.State](s, "PUT", "", `{"seed":7,"faults":[
		{"kind":"dynamodb.error","target":"PutItem","table":"things","probability":0.25,"count":4},
		{"kind":"lambda.hold","target":"f","delay":"1.5s"}]}`)
	if state.Seed != 7 || len(state.Faults) != 2 {
		t.Fatalf("PUT: got %+v, want seed 7 and 2 faults", state)
	}
	var specs []string
	for _, f := range state.Faults {
		specs = append(specs, f.String())
	}
	want := []string{"dynamodb.error:PutItem,table=things,probability=0.25,count=4", "lambda.hold:f,delay=1.5s"}
	if !slices.Equal(specs, want) {
		t.Errorf("PUT: got %q, want %q", specs, want)
	}
	s.set(`{"kind":"gateway.gone"}`)
	first := state.Faults[0].ID
	if cleared := call[fault.Status](s, "DELETE", fmt.Sprint("/", first), ""); cleared.Kind != fault.DynamoDBError {
		t.Errorf("DELETE of one: got %+v, want the kind %s", cleared, fault.DynamoDBError)
	}
	state = call[fault.State](s, "GET", "", "")
	if len(state.Faults) != 2 || state.Faults[0].Kind != fault.LambdaHold ||
		state.Faults[1].Kind != fault.GatewayGone || state.Seed != 7 {
		t.Errorf("after DELETE of one: got %+v, want lambda.hold, gateway.gone and seed 7", state)
	}
	if state = call[fault.State](s, "PUT", "", `{}`); len(state.Faults) != 0 || state.Seed == 0 {
		t.Errorf("PUT without faults: got %+v, want no faults and a random seed", state)
	}
}

func TestTotalOutlivesFaults(t *testing.T) {
	s := start(t)
	s.set(`{"kind":"dynamodb.error","target":"PutItem"}`)
	s.put("a")
	s.cleared(1)
	s.connect()
	s.act(`{"kind":"gateway.drop-now"}`)
	total := call[fault.State](s, "GET", "", "").Total
	if len(total) != 2 || total[fault.DynamoDBError] != 1 || total[fault.GatewayDropNow] != 1 {
		t.Errorf("total: got %v, want one of %s and one of %s", total, fault.DynamoDBError, fault.GatewayDropNow)
	}
}

// A web page on another origin can send neither X-Localstack-Faults nor
// Authorization.
func TestChangesNeedAHeader(t *testing.T) {
	s := start(t)
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+edge.FaultsPath,
			strings.NewReader(`{"kind":"lambda.twice"}`))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%s without the header: got %s, want 403", method, response.Status)
		}
	}
	if on := s.faults.State().Faults; len(on) != 0 {
		t.Errorf("got the faults %+v, want none", on)
	}
}

func TestSpecs(t *testing.T) {
	for _, spec := range []string{
		"lambda.twice",
		"lambda.kill-during:sendMessage,probability=0.1,delay=20ms",
		"dynamodb.lose-answer:TransactWriteItems,table=messages,count=1",
		"gateway.gone:eHrdFcnvvHcCE-w=",
	} {
		f, err := fault.Parse(spec)
		if err != nil || f.String() != spec {
			t.Errorf("Parse(%q): got %s, %v, want the same text", spec, f, err)
		}
	}
	if f, err := fault.Parse("lambda.twice:*,probability=1,count=0"); err != nil || f.String() != "lambda.twice" {
		t.Errorf("Parse with defaults: got %s, %v, want lambda.twice", f, err)
	}
	for _, spec := range []string{
		"lambda.twice,", "lambda.twice,often", "lambda.twice,probability=x", "lambda.twice,count=-1",
		"lambda.hold,delay=1", "lambda.hold,delay",
	} {
		if f, err := fault.Parse(spec); err == nil || !strings.Contains(err.Error(), spec) {
			t.Errorf("Parse(%q): got %s, %v, want an error that quotes it", spec, f, err)
		}
	}
	for _, spec := range []string{"", "lambda.twice:", "lambda.twice,probability=NaN", "stack.exit"} {
		f, err := fault.Parse(spec)
		if err != nil {
			t.Errorf("Parse(%q): got %v, want no error", spec, err)
		}
		if _, err := fault.New(fault.Options{}).Add(f); err == nil {
			t.Errorf("Add accepted %q, want an error", spec)
		}
	}
}

// decisions returns what happens to n requests.
func decisions(in *fault.Injector, n int) []dynamodb.Refusal {
	var list []dynamodb.Refusal
	for range n {
		list = append(list, in.DynamoDB().Before("PutItem", dynamodb.Request{}))
	}
	return list
}

func TestSameSeedSameDecisions(t *testing.T) {
	faults := []fault.Fault{
		{Kind: fault.DynamoDBThroughput, Target: "*", Probability: 0.3},
		{Kind: fault.DynamoDBError, Target: "PutItem", Probability: 0.5},
	}
	run := func(seed uint64) []dynamodb.Refusal {
		in := fault.New(fault.Options{})
		if err := in.Replace(seed, faults); err != nil {
			t.Fatal(err)
		}
		return decisions(in, 100)
	}
	once := run(42)
	if !slices.Equal(once, run(42)) {
		t.Error("the same seed made other decisions, want the same")
	}
	if slices.Equal(once, run(43)) {
		t.Error("another seed made the same decisions, want others")
	}
	for _, want := range []dynamodb.Refusal{
		dynamodb.RefuseNothing, dynamodb.RefuseThroughput, dynamodb.RefuseInternal,
	} {
		if !slices.Contains(once, want) {
			t.Errorf("got the decisions %v, want some %d", once, want)
		}
	}
	// The same holds for faults that are set one by one, also after a ClearAll.
	in := fault.New(fault.Options{Seed: 42})
	for range 2 {
		for _, f := range faults {
			if _, err := in.Add(f); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(once, decisions(in, 100)) {
			t.Error("faults set one by one made other decisions, want the same")
		}
		in.ClearAll()
	}
}

// A strike that came too late does not count, and does not use up Count.
func TestStrikeWithoutEffectDoesNotCount(t *testing.T) {
	in := fault.New(fault.Options{Seed: 1})
	if _, err := in.Add(fault.Fault{
		Kind:        fault.LambdaKillDuring,
		Target:      "*",
		Probability: 1,
		Count:       1,
		Delay:       1,
	}); err != nil {
		t.Fatal(err)
	}
	after, kill := in.Lambda().Delivered("f")
	if kill == nil || after != 1 {
		t.Fatalf("Delivered: got a strike: %t, delay %v; want a strike after 1ns", kill != nil, after)
	}
	if _, second := in.Lambda().Delivered("f"); second != nil {
		t.Error("got a second strike while the only one is pending, want none")
	}
	kill(false)
	if n := in.State().Faults[0].Struck; n != 0 {
		t.Errorf("after a strike without effect: got Struck %d, want 0", n)
	}
	_, kill = in.Lambda().Delivered("f")
	if kill == nil {
		t.Fatal("got no strike, want the one that had no effect again")
	}
	kill(true)
	if n := in.State().Faults[0].Struck; n != 1 {
		t.Errorf("got Struck %d, want 1", n)
	}
}

func TestWithoutFaultsNothingIsAllocated(t *testing.T) {
	in := fault.New(fault.Options{})
	functions, tables, posts := in.Lambda(), in.DynamoDB(), in.Gateway()
	if n := testing.AllocsPerRun(100, func() {
		functions.Submitted("f")
		functions.Delivered("f")
		functions.Answered("f")
		tables.Before("PutItem", dynamodb.Request{})
		tables.After("PutItem", dynamodb.Request{})
		posts.Post("id")
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
