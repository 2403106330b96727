package gateway

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestA1_13_StageNames(t *testing.T) {
	t.Parallel()
	for stage, valid := range map[string]bool{
		"prod": true, "v1-beta_2": true, strings.Repeat("a", 128): true,
		"": false, "a b": false, "a/b": false, "$default": false, strings.Repeat("a", 129): false,
	} {
		g, err := New(Options{
			Invoker: &lambdas{},
			APIs:    []API{{ID: "a", Stage: stage, RouteSelectionExpression: "$request.body.action"}},
		})
		if (err == nil) != valid {
			t.Errorf("stage %q: got error %v, want valid %t", stage, err, valid)
		}
		if err == nil {
			g.Shutdown(context.Background())
		}
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	t.Parallel()
	valid := func() Options {
		return Options{Invoker: &lambdas{}, APIs: []API{{
			ID:                       "a",
			Stage:                    "prod",
			RouteSelectionExpression: "$request.body.action",
			Routes:                   map[string]Route{"x": {Key: "x", Function: "f"}},
		}}}
	}
	for name, change := range map[string]func(*Options){
		"no invoker":    func(o *Options) { o.Invoker = nil },
		"no APIs":       func(o *Options) { o.APIs = nil },
		"no id":         func(o *Options) { o.APIs[0].ID = "" },
		"stage twice":   func(o *Options) { o.APIs = append(o.APIs, o.APIs[0]) },
		"no expression": func(o *Options) { o.APIs[0].RouteSelectionExpression = "" },
		"expression":    func(o *Options) { o.APIs[0].RouteSelectionExpression = "${context.x}" },
		"no function":   func(o *Options) { o.APIs[0].Routes["x"] = Route{} },
		"another key":   func(o *Options) { o.APIs[0].Routes["x"] = Route{Key: "y", Function: "f"} },
		"empty key":     func(o *Options) { o.APIs[0].Routes[""] = Route{Function: "f"} },
		"short timeout": func(o *Options) {
			o.APIs[0].Routes["x"] = Route{
				Function: "f",
				Timeout:  49 * time.Millisecond,
			}
		},
		"long timeout":    func(o *Options) { o.APIs[0].Routes["x"] = Route{Function: "f", Timeout: 30 * time.Second} },
		"negative limit":  func(o *Options) { o.Limits.Idle = -1 },
		"small buffer":    func(o *Options) { o.Limits.SendBuffer = 1000 },
		"status":          func(o *Options) { o.Inferred.MalformedConnectStatus = 200 },
		"reserved code":   func(o *Options) { o.Inferred.LifetimeCloseCode = 1005 },
		"client's code":   func(o *Options) { o.Inferred.LifetimeCloseCode = 99999 },
		"expression path": func(o *Options) { o.APIs[0].RouteSelectionExpression = "$request.bodyaction" },
	} {
		options := valid()
		change(&options)
		if _, err := New(options); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	g, err := New(valid())
	if err != nil {
		t.Fatal(err)
	}
	g.Shutdown(t.Context())
}
