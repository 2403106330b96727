package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/inspect"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// pagePath is where the page is.
const pagePath = "/_localstack/"

// source tells the page what exists now.
func (s *stack) source() inspect.Source {
	return inspect.Source{
		APIs:        s.showAPIs,
		Connections: showConnections(s.gateway),
		Functions:   s.showFunctions,
		Tables:      s.showTables,
		Items:       s.showItems,
		Arm: func(function string) bool {
			f := s.plan.Load().Function(function)
			return f != nil && slices.Contains(f.Architectures, "arm64")
		},
	}
}

func (s *stack) showAPIs() []inspect.API {
	var list []inspect.API
	plan := s.plan.Load()
	for _, a := range plan.APIs {
		api := inspect.API{ID: a.ID, Stage: a.Stage, URL: s.webSocketURL(a)}
		for _, r := range a.Routes {
			route := inspect.Route{Key: r.Key, Note: routeNote(r)}
			if f := plan.Function(r.FunctionARN); f != nil {
				route.Function = f.Name
			}
			api.Routes = append(api.Routes, route)
		}
		list = append(list, api)
	}
	return list
}

func routeNote(r sam.Route) string {
	var notes []string
	if r.RouteResponse {
		notes = append(notes, "answers its caller")
	}
	if r.Authorizer != nil {
		notes = append(notes, "authorizer "+r.Authorizer.FunctionLogicalID)
	}
	if r.IAM {
		notes = append(notes, "signed requests only")
	}
	if r.APIKeyRequired {
		notes = append(notes, "API key")
	}
	if len(r.RequestModels) > 0 {
		notes = append(notes, "request model")
	}
	if r.FunctionARN != "" && !r.Permitted {
		notes = append(notes, "not permitted to invoke")
	}
	return strings.Join(notes, ", ")
}

// showConnections is for a gateway that may be nil. A later one, of the first
// API that a reload brings, comes with a source of its own.
func showConnections(g *gateway.Gateway) func() []inspect.Connection {
	if g == nil {
		return nil
	}
	return func() []inspect.Connection {
		var list []inspect.Connection
		for _, c := range g.Snapshot().Connections {
			list = append(list, inspect.Connection{
				ID:          c.ID,
				API:         c.API,
				Stage:       c.Stage,
				SourceIP:    c.SourceIP,
				ConnectedAt: c.ConnectedAt,
				LastActive:  c.LastActive,
				In:          int(c.MessagesIn),
				Out:         int(c.MessagesOut),
			})
		}
		return list
	}
}

func (s *stack) showFunctions() []inspect.Function {
	instances := make(map[string][]inspect.Instance)
	for _, in := range s.lambda.Instances() {
		state := string(in.State)
		if in.Frozen {
			state = "frozen"
		}
		shown := inspect.Instance{
			ID:          in.ID,
			PID:         in.PID,
			State:       state,
			Created:     in.Created,
			Invocations: in.Invocations,
			MemoryMB:    int(in.Memory >> 20),
		}
		shown.Invocation = in.RequestID
		instances[in.Function] = append(instances[in.Function], shown)
	}
	var list []inspect.Function
	for _, f := range s.lambda.Functions() {
		list = append(list, inspect.Function{
			Name:      f.Name,
			MemoryMB:  f.MemoryMB,
			Timeout:   f.Timeout,
			Instances: instances[f.Name],
		})
	}
	return list
}

func (s *stack) showTables() []inspect.Table {
	tables, err := s.tables.Tables()
	if err != nil {
		return nil // the stack is stopping
	}
	var list []inspect.Table
	for _, t := range tables {
		shown := inspect.Table{Name: t.Name, Key: t.Key, Items: t.Items, Bytes: t.Bytes, Stream: t.Stream != ""}
		for _, x := range t.Indexes {
			shown.Indexes = append(shown.Indexes, x.Name)
		}
		list = append(list, shown)
	}
	return list
}

func (s *stack) showItems(_ context.Context, table string, limit int) ([]json.RawMessage, error) {
	items, err := s.tables.Peek(table, limit)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	for _, item := range items {
		list = append(list, json.RawMessage(item))
	}
	return list, nil
}
