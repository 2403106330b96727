package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/builder"
	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// What the template says, in the words of each service. The services do not
// know the template, nor one another.

// injector has the faults of the command line on.
func injector(o options, plan *sam.Plan, c *console) (*fault.Injector, error) {
	names := []string{} // not nil: without functions no name is one
	for _, f := range plan.Functions {
		names = append(names, f.Name)
	}
	in := fault.New(fault.Options{Seed: o.faultSeed, Functions: names, Log: c.log})
	for _, f := range o.faults {
		if _, err := in.Add(f); err != nil {
			return nil, fmt.Errorf("-fault %s: %w", f, err)
		}
	}
	return in, nil
}

func targets(plan *sam.Plan) []builder.Target {
	var list []builder.Target
	for _, f := range plan.Functions {
		t := builder.Target{
			Name:       f.Name,
			LogicalID:  f.LogicalID,
			Dir:        f.CodeURI,
			Method:     f.BuildMethod,
			Properties: make(map[string]any),
		}
		if t.Method == "" {
			t.Method = builder.MethodGo // as only Go runs here
		}
		for name, text := range f.BuildProperties {
			t.Properties[name] = text
			if b, err := strconv.ParseBool(text); err == nil {
				t.Properties[name] = b
			}
		}
		list = append(list, t)
	}
	return list
}

func functions(plan *sam.Plan, executables map[string]string) []lambda.Function {
	var list []lambda.Function
	for _, f := range plan.Functions {
		executable := executables[f.Name]
		list = append(list, lambda.Function{
			Name:                f.Name,
			ARN:                 f.ARN,
			Binary:              executable,
			Dir:                 filepath.Dir(executable),
			Handler:             f.Handler,
			Env:                 f.Environment,
			MemoryMB:            f.MemoryMB,
			Timeout:             f.Timeout,
			ReservedConcurrency: f.ReservedConcurrency,
			Async: lambda.AsyncConfig{
				MaximumRetryAttempts: &f.Async.Retries,
				MaximumEventAge:      f.Async.MaxAge,
				OnSuccess:            f.Async.OnSuccess,
				OnFailure:            f.Async.OnFailure,
			},
			DeadLetter: f.Async.DeadLetter,
		})
	}
	return list
}

// invoker lets the gateway run functions without knowing Lambda.
type invoker struct{ *lambda.Service }

var _ gateway.Invoker = invoker{}

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) (gateway.Result, error) {
	result, err := i.Service.Invoke(ctx, function, payload)
	return gateway.Result{
		Payload:       result.Payload,
		FunctionError: result.FunctionError,
		RequestID:     result.RequestID,
	}, err
}

func apis(plan *sam.Plan) []gateway.API {
	var list []gateway.API
	for _, a := range plan.APIs {
		api := gateway.API{
			ID:                        a.ID,
			Stage:                     a.Stage,
			Region:                    plan.Region,
			Account:                   plan.Account,
			RouteSelectionExpression:  a.RouteSelectionExpression,
			Routes:                    make(map[string]gateway.Route),
			StageVariables:            a.StageVariables,
			Throttle:                  throttle(a.Throttle),
			Models:                    models(a),
			APIKeySelectionExpression: a.APIKeySelectionExpression,
			DisableExecuteAPIEndpoint: a.DisableExecuteAPIEndpoint,
		}
		for _, r := range a.Routes {
			api.Routes[r.Key] = route(r)
		}
		for _, k := range a.APIKeys {
			if k.Enabled {
				api.APIKeys = append(api.APIKeys, k.Value)
			}
		}
		for _, d := range a.Domains {
			api.Domains = append(api.Domains, gateway.Domain{Name: d.Name, BasePath: d.BasePath})
		}
		list = append(list, api)
	}
	return list
}

func route(r sam.Route) gateway.Route {
	to := gateway.Route{
		Key:                      r.Key,
		Function:                 r.FunctionARN,
		Permitted:                r.Permitted,
		Timeout:                  r.Timeout,
		RouteResponse:            r.RouteResponse,
		Throttle:                 throttle(r.Throttle),
		IAM:                      r.IAM,
		APIKeyRequired:           r.APIKeyRequired,
		ModelSelectionExpression: r.ModelSelectionExpression,
		Models:                   r.RequestModels,
	}
	if r.Authorizer != nil {
		to.Authorizer = &gateway.Authorizer{
			Function:        r.Authorizer.FunctionARN,
			Permitted:       r.Authorizer.Permitted,
			IdentitySources: r.Authorizer.IdentitySources,
		}
	}
	return to
}

func throttle(t *sam.Throttle) *gateway.Throttle {
	if t == nil {
		return nil
	}
	return &gateway.Throttle{Rate: t.Rate, Burst: t.Burst}
}

func models(a sam.WebSocketAPI) map[string][]byte {
	schemas := make(map[string][]byte)
	for name, m := range a.Models {
		schemas[name] = m.Schema
	}
	return schemas
}

// domains are the custom names of all APIs.
func domains(plan *sam.Plan) []string {
	var names []string
	for _, a := range plan.APIs {
		for _, d := range a.Domains {
			names = append(names, d.Name)
		}
	}
	return names
}

func table(t sam.Table) dynamodb.CreateTableInput {
	in := dynamodb.CreateTableInput{
		TableName:                 &t.Name,
		KeySchema:                 keySchema(t.KeySchema),
		BillingMode:               t.BillingMode,
		ProvisionedThroughput:     throughput(t.ProvisionedThroughput),
		DeletionProtectionEnabled: t.DeletionProtection,
		LocalSecondaryIndexes:     indexes(t.LocalSecondaryIndexes),
		GlobalSecondaryIndexes:    indexes(t.GlobalSecondaryIndexes),
	}
	if t.StreamView != "" {
		_, label, _ := strings.Cut(t.StreamARN, "/stream/")
		in.StreamSpecification = &dynamodb.StreamSpecification{
			StreamEnabled:  true,
			StreamViewType: t.StreamView,
			Label:          label,
		}
	}
	for _, a := range t.AttributeDefinitions {
		in.AttributeDefinitions = append(in.AttributeDefinitions, dynamodb.AttributeDefinition{
			AttributeName: a.Name,
			AttributeType: a.Type,
		})
	}
	return in
}

func keySchema(elements []sam.KeyElement) []dynamodb.KeySchemaElement {
	var list []dynamodb.KeySchemaElement
	for _, e := range elements {
		list = append(list, dynamodb.KeySchemaElement{AttributeName: e.Name, KeyType: e.Type})
	}
	return list
}

func indexes(of []sam.Index) []dynamodb.SecondaryIndex {
	var list []dynamodb.SecondaryIndex
	for _, x := range of {
		list = append(list, dynamodb.SecondaryIndex{
			IndexName:             &x.Name,
			KeySchema:             keySchema(x.KeySchema),
			ProvisionedThroughput: throughput(x.ProvisionedThroughput),
			Projection: &dynamodb.Projection{
				ProjectionType:   x.ProjectionType,
				NonKeyAttributes: x.NonKeyAttributes,
			},
		})
	}
	return list
}

func throughput(t *sam.Throughput) *dynamodb.ProvisionedThroughput {
	if t == nil {
		return nil
	}
	return &dynamodb.ProvisionedThroughput{ReadCapacityUnits: int64(t.Read), WriteCapacityUnits: int64(t.Write)}
}

func schedules(plan *sam.Plan) []lambda.Schedule {
	var list []lambda.Schedule
	for _, s := range plan.Schedules {
		list = append(list, lambda.Schedule{
			Name:       s.Name,
			Expression: s.Expression,
			Timezone:   s.Timezone,
			Function:   s.FunctionARN,
			Source:     s.Source,
			Input:      string(s.Input),
			Enabled:    s.Enabled,
		})
	}
	return list
}
