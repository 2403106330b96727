package gateway

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// mocked gives routes a mock with the status 200 and these response templates,
// and makes them two-way.
func mocked(responses map[string]string) func(*Options) {
	return func(o *Options) {
		for key, response := range responses {
			o.APIs[0].Routes[key] = Route{Key: key, Mock: &Mock{Status: 200, Response: response}, RouteResponse: true}
		}
	}
}

func TestA10_1_MockAnswersWithoutAFunction(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"$default": echoes}, mocked(map[string]string{"ping": `{"type":"pong"}`}))
	c := s.dial()
	for range 2 {
		c.send(`{"action":"ping"}`)
		c.wantReceive(`{"type":"pong"}`)
	}
	s.noEvent("$default")
}

func TestA10_3_OnlyWithARouteResponse(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"ask": echoes}, func(o *Options) {
		twoWay("ask")(o)
		o.APIs[0].Routes["tell"] = Route{Key: "tell", Mock: &Mock{Status: 500, Response: "not sent"}}
	})
	c := s.dial()
	c.send(`{"action":"tell"}`)
	if err := awaitIdle(s); err != nil {
		t.Fatal(err)
	}
	c.send(`{"action":"ask"}`)
	c.wantReceive(`{"action":"ask"}`)
}

func TestA10_4_VariablesOfTheTemplate(t *testing.T) {
	t.Parallel()
	var template strings.Builder
	template.WriteString(`{"price": "$5 #1 $ ${stageVariables.color} $stageVariables['color'].`)
	for _, name := range MappingVariables() {
		template.WriteString(`","` + name + `":"$context.` + name + `","!` + name + `":"$!{context.` + name + `}`)
	}
	template.WriteString(`"}`)
	s := start(t, map[string]function{"ask": returns(`{"statusCode":200}`)}, func(o *Options) {
		o.APIs[0].StageVariables = map[string]string{"color": "blue"}
		mocked(map[string]string{"who": template.String()})(o)
	})
	c := s.dial()
	c.send(`{"action":"who"}`)
	var got map[string]string
	if err := json.Unmarshal([]byte(c.receive()), &got); err != nil {
		t.Fatal(err)
	}
	c.send(`{"action":"ask"}`)
	var other struct{ RequestContext map[string]any }
	_, event := s.event("ask")
	if err := json.Unmarshal(event, &other); err != nil {
		t.Fatal(err)
	}
	if want := "$5 #1 $ blue blue."; got["price"] != want {
		t.Errorf("text: got %q, want %q", got["price"], want)
	}
	for _, name := range MappingVariables() {
		if got[name] == "" || got[name] != got["!"+name] {
			t.Errorf("%s: got %q and, quietly, %q", name, got[name], got["!"+name])
		}
	}
	for _, name := range []string{"apiId", "connectionId", "domainName", "stage", "eventType"} {
		if got[name] != other.RequestContext[name] {
			t.Errorf("%s: got %q, want %q as in the event of a function", name, got[name], other.RequestContext[name])
		}
	}
	if at := int64(other.RequestContext["connectedAt"].(float64)); got["connectedAt"] != strconv.FormatInt(at, 10) {
		t.Errorf("connectedAt: got %s, want %d", got["connectedAt"], at)
	}
	if got["routeKey"] != "who" || got["requestId"] != got["extendedRequestId"] || got["messageId"] == "" {
		t.Errorf("got %v", got)
	}
}

func TestA10_5_ConnectIsAccepted(t *testing.T) {
	t.Parallel()
	s := start(t, map[string]function{"ask": echoes}, func(o *Options) {
		twoWay("ask")(o)
		mocked(map[string]string{"$connect": "not sent", "$disconnect": ""})(o)
	})
	c := s.dial()
	c.send(`{"action":"ask"}`)
	c.wantReceive(`{"action":"ask"}`)
}

// What is not evaluated as Velocity does is refused by name.
func TestMappingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"$input.body":                         `"$input.body" is not evaluated`,
		"$input.path('$.a')":                  `"$input.path('$.a')" is not evaluated`,
		"$context.authorizer.name":            `"$context.authorizer.name" is not evaluated`,
		"$context.stage-x":                    `"$context.stage-x" is not evaluated`,
		"$context.stage.length()":             `"$context.stage.length()" is not evaluated`,
		"$context['stage']":                   `"$context['stage']" is not evaluated`,
		"${context.stage":                     `"${context.stage" is not a reference`,
		"${context.stage.trim()}":             `"${context.stage.trim()}" is not a reference`,
		"$stageVariables.none":                `the stage has no variable "none"`,
		"$util.urlEncode('a')":                `"$util.urlEncode('a')" is not evaluated`,
		"$x":                                  `"$x" is not evaluated`,
		"#set($a = 1)":                        `the directive or comment "#set($a" is not evaluated`,
		"## comment":                          `the directive or comment "##" is not evaluated`,
		`{"color": "#fff"}`:                   `the directive or comment "#fff" is not evaluated`,
		`\$context.stage`:                     `the escape \$ is not evaluated`,
		"$stageVariables.color.substring(1)":  `"$stageVariables.color.substring(1)" is not evaluated`,
		"$context.connectionId[0]":            `"$context.connectionId[0]" is not evaluated`,
		"#if($context.stage == 'prod')a#end ": `the directive or comment "#if($context.stage" is not evaluated`,
	} {
		err := CheckMapping(template, map[string]string{"color": "blue"})
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", template, err, want)
		}
	}
}

func TestMocksThatAreRefused(t *testing.T) {
	t.Parallel()
	for want, route := range map[string]Route{
		`route "$connect": mock: the answer to a status above 299 is not documented`: {Key: "$connect", Mock: &Mock{Status: 403}},
		`route "ping": mock: status 0 is not 200 to 599`:                             {Key: "ping", Mock: &Mock{}},
		`route "ping" has both a function and a mock`: {
			Key:      "ping",
			Function: "f",
			Mock:     &Mock{Status: 200},
		},
		`route "ping": response template: "$input.body" is not evaluated`: {
			Key:  "ping",
			Mock: &Mock{Status: 200, Response: "$input.body"},
		},
	} {
		_, err := New(Options{
			Invoker: &lambdas{},
			APIs: []API{{
				ID:                       "api1",
				Stage:                    "prod",
				RouteSelectionExpression: "$request.body.action",
				Routes:                   map[string]Route{route.Key: route},
			}},
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
