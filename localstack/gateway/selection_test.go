package gateway

import (
	"errors"
	"testing"
)

// a51Payload is a message like that of the developer guide (A5.1).
const a51Payload = `{"service":"chat","action":"join","data":{"room":"room1234"}}`

func TestA5_1_SelectionExpressions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ expression, want string }{
		// From the table of the developer guide.
		{`$request.body.action`, "join"},
		{`${request.body.action}`, "join"},
		{`${request.body.service}/${request.body.action}`, "chat/join"},
		{`${request.body.action}-${request.body.invalidPath}`, "join-"},
		{`action`, "action"},
		{`\$default`, "$default"},
		// Not in the table.
		{`$request.body.data.room`, "room1234"},
		{`$request.body['data']["room"]`, "room1234"},
		{`$request.body.data.room.x`, ""},
		{`$request.body.data[0]`, ""},
		{`$request.body.Action`, ""},
		{`a\$b${request.body.action}c`, "a$bjoinc"},
		{`$request.body.x`, ""},
	} {
		selector, err := parseSelection(test.expression)
		if err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		if got, err := selector.selectKey(parseBody([]byte(a51Payload))); err != nil || got != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.expression, got, err, test.want)
		}
	}
}

// The developer guide's table, shown by the routes of real messages.
func TestA5_1_RoutesByExpression(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`$request.body.action`:                               "join",
		`${request.body.action}`:                             "join",
		`${request.body.service}/${request.body.action}`:     "chat/join",
		`${request.body.action}-${request.body.invalidPath}`: "join-",
		`action`:                  "action",
		`\$default`:               "$default",
		`$request.body.data.room`: "room1234",
		`$request.body.list`:      "[item1, item2]",
		`${request.body.list[1]}`: "item2",
		`$request.body.nothing`:   "$default",
		`${request.body.data}`:    "$default",
	} {
		functions := map[string]function{"$default": echoes}
		functions[want] = echoes
		s := start(t, functions, func(o *Options) { o.APIs[0].RouteSelectionExpression = expression })
		c := s.dial()
		c.send(`{"service":"chat","action":"join","data":{"room":"room1234"},"list":["item1","item2"]}`)
		if e, _ := s.event(want); e.RequestContext.RouteKey != want {
			t.Errorf("%s: got routeKey %q, want %q", expression, e.RequestContext.RouteKey, want)
		}
	}
}

func TestA5_1_InvalidExpressions(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		``, `$`, `$default`, `$request`, `$request.header.x`, `$request.body.`, `$request.body..a`,
		`$request.body.a.`, `$request.bodyx`,
		`${request.body.a`, `${request.header.a}`, `${context.routeKey}`, `${}`, `$request.body[`,
		`$request.body[x]`, `$request.body[-1]`,
		`$request.body.a/b`, `$request.body.a ${request.body.b}`, `x$`,
	} {
		if selector, err := parseSelection(expression); err == nil {
			t.Errorf("%q: got %v, want an error", expression, selector)
		}
	}
}

func TestA5_2_ValuesAreStringified(t *testing.T) {
	t.Parallel()
	selector, err := parseSelection(`$request.body.a`)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"a":["item1","item2"]}`: "[item1, item2]",
		`{"a":[]}`:                "[]",
		`{"a":[1,[true,"x"]]}`:    "[1, [true, x]]",
		`{"a":1}`:                 "1",
		`{"a":1.0}`:               "1.0",
		`{"a":10000000000000001}`: "10000000000000001",
		`{"a":true}`:              "true",
		`{"a":null}`:              "",
		`{"a":""}`:                "",
		`{"b":1}`:                 "",
		`{}`:                      "",
		`[]`:                      "",
		`"a"`:                     "",
		`{"a":"\u0024connect"}`:   "$connect",
		`{"a":1,"a":2}`:           "2",
	} {
		if got, err := selector.selectKey(parseBody([]byte(body))); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", body, got, err, want)
		}
	}
}

func TestA5_3_NotEvaluated(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{`$request.body.a`, `static`} {
		selector, err := parseSelection(expression)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{``, ` `, `hello`, `{"a":1`, `{"a":1}{"a":1}`, `{"a":1} x`, "\x00"} {
			if got, err := selector.selectKey(parseBody([]byte(body))); !errors.Is(err, errNotEvaluated) {
				t.Errorf("%s on %q: got %q, %v, want errNotEvaluated", expression, body, got, err)
			}
		}
	}
	selector, _ := parseSelection(`$request.body.a`)
	for _, body := range []string{`{"a":{}}`, `{"a":[{}]}`} {
		if got, err := selector.selectKey(parseBody([]byte(body))); !errors.Is(err, errNotEvaluated) {
			t.Errorf("%q: got %q, %v, want errNotEvaluated", body, got, err)
		}
	}
}

func FuzzSelection(f *testing.F) {
	for _, expression := range []string{`$request.body.a`, `${request.body.a}/x\$`, `$request.body['a'][0]`, `x`} {
		f.Add(expression, a51Payload)
	}
	f.Fuzz(func(t *testing.T, expression, body string) {
		selector, err := parseSelection(expression)
		if err != nil {
			return
		}
		first, err := selector.selectKey(parseBody([]byte(body)))
		second, err2 := selector.selectKey(parseBody([]byte(body)))
		if first != second || (err == nil) != (err2 == nil) {
			t.Errorf("got %q, %v and then %q, %v, want the same", first, err, second, err2)
		}
	})
}
