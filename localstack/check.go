package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// check refuses what the template asks for and this stack would silently do
// otherwise. One line per refusal, as the template's own mistakes have.
func check(plan *sam.Plan) error {
	var errs sam.Errors
	refuse := func(e *sam.Error) { errs = append(errs, e) }
	for _, api := range plan.APIs {
		if err := checkSelection(api.RouteSelectionExpression); err != nil {
			refuse(api.Mistake("RouteSelectionExpression", strconv.Quote(api.RouteSelectionExpression)+" cannot be evaluated: "+err.Error(),
				"use a path into the message such as $request.body.action"))
		}
		for _, r := range api.Routes {
			if r.Authorizer != nil {
				refuse(r.Mistake("AuthorizationType", "Lambda authorizers are not run here, so everybody would be let in", "check the caller in the $connect function"))
			}
			if r.IAM {
				refuse(r.Mistake("AuthorizationType", "AuthorizationType AWS_IAM is not checked here, so everybody would be let in", "set it by a condition for AWS only"))
			}
			if r.APIKeyRequired {
				refuse(r.Mistake("ApiKeyRequired", "API keys are not checked here, so everybody would be let in", "set ApiKeyRequired by a condition for AWS only"))
			}
			if len(r.RequestModels) > 0 {
				refuse(r.Mistake("RequestModels", "request models are not checked here", "validate in the function"))
			}
		}
	}
	for _, n := range plan.Notes {
		if n.Type == "AWS::ApiGatewayV2::Api" && len(plan.APIs) == 0 {
			refuse(&sam.Error{File: n.File, Line: n.Line, Column: n.Column, Subject: n.LogicalID,
				Problem: "HTTP APIs are not run locally, and the template has no WebSocket API", Remedy: "use ProtocolType: WEBSOCKET"})
		}
	}
	for _, t := range plan.Tables {
		if t.StreamView != "" {
			refuse(t.Mistake("StreamSpecification", "table streams are not supported here", "remove it, or set it by a condition for AWS only"))
		}
	}
	for _, k := range plan.Keys {
		switch {
		case k.Spec != "SYMMETRIC_DEFAULT":
			refuse(k.Mistake("KeySpec", k.Spec+" is not supported here", "use SYMMETRIC_DEFAULT"))
		case !k.Enabled:
			refuse(k.Mistake("Enabled", "disabled keys are not supported here", "remove it"))
		}
	}
	if len(errs) > 0 {
		return errs.Sorted()
	}
	return nil
}

// checkSelection has the gateway read a route selection expression, which it
// would otherwise refuse only once every function is built.
func checkSelection(expression string) error {
	g, err := gateway.New(gateway.Options{
		APIs: []gateway.API{{ID: "check", Stage: "check", RouteSelectionExpression: expression}}, Invoker: invoker{},
	})
	if err != nil {
		if reason := errors.Unwrap(err); reason != nil {
			return reason
		}
		return err
	}
	return g.Shutdown(context.Background()) // nothing runs
}
