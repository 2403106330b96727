package stack

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// invoker lets the gateway invoke functions of the Lambda service.
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

// apis returns the stages of WebSocket APIs.
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
	if r.Mock != nil {
		to.Mock = &gateway.Mock{Status: r.Mock.Status, Response: r.Mock.Response}
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
