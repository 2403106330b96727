package stack

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/inspect"
	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// view shows the running services to the inspector. It belongs to one plan.
type view struct {
	plan    *sam.Plan
	address string // HOST:PORT
	lambda  *lambda.Service
	tables  *dynamodb.Engine
	gateway *gateway.Gateway // nil without APIs
	guard   *iam.Guard
}

func (v view) source() inspect.Source {
	return inspect.Source{
		APIs:        v.apis,
		Connections: v.connections,
		Functions:   v.functions,
		Tables:      v.listTables,
		Items:       v.items,
		Permissions: v.permissions,
		Arm: func(function string) bool {
			f := v.plan.Function(function)
			return f != nil && slices.Contains(f.Architectures, "arm64")
		},
	}
}

func (v view) permissions() []inspect.Permission {
	uses := v.guard.Uses()
	list := make([]inspect.Permission, len(uses))
	for i, u := range uses {
		list[i] = inspect.Permission(u)
	}
	return list
}

func (v view) apis() []inspect.API {
	var list []inspect.API
	for _, a := range v.plan.APIs {
		api := inspect.API{ID: a.ID, Stage: a.Stage, URL: webSocketURL(v.address, a)}
		for _, r := range a.Routes {
			route := inspect.Route{Key: r.Key, Note: routeNote(r)}
			if f := v.plan.Function(r.FunctionARN); f != nil {
				route.Function = f.Name
				if f.NotRun != nil {
					route.Note = strings.TrimPrefix(route.Note+", "+f.NotRun.Reason, ", ")
				}
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
		notes = append(notes, "two-way")
	}
	if r.Mock != nil {
		notes = append(notes, "mock")
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

func (v view) connections() []inspect.Connection {
	if v.gateway == nil {
		return nil
	}
	var list []inspect.Connection
	for _, c := range v.gateway.Snapshot().Connections {
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

func (v view) functions() []inspect.Function {
	instances := make(map[string][]inspect.Instance)
	for _, in := range v.lambda.Instances() {
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
	for _, f := range v.lambda.Functions() {
		list = append(list, inspect.Function{
			Name:      f.Name,
			MemoryMB:  f.MemoryMB,
			Timeout:   f.Timeout,
			Instances: instances[f.Name],
		})
	}
	return list
}

func (v view) listTables() []inspect.Table {
	tables, err := v.tables.Tables()
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

func (v view) items(_ context.Context, table string, limit int) ([]json.RawMessage, error) {
	items, err := v.tables.Peek(table, limit)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	for _, item := range items {
		list = append(list, json.RawMessage(item))
	}
	return list, nil
}
