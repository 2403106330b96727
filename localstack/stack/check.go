package stack

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/kms"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// check refuses what a service cannot do as the template says, before anything
// is built. Its errors are reported together with the template's own; because
// of those the plan may not be whole.
func check(plan *sam.Plan, whole bool) (errs sam.Errors) {
	refuse := func(e *sam.Error) { errs = append(errs, e) }
	for _, api := range plan.APIs {
		if err := gateway.CheckSelection(api.RouteSelectionExpression); err != nil {
			refuse(api.Mistake("RouteSelectionExpression",
				strconv.Quote(api.RouteSelectionExpression)+" cannot be evaluated: "+err.Error(),
				"use a path into the message such as $request.body.action"))
		}
		for _, r := range api.Routes {
			for _, e := range checkRoute(api, r) {
				refuse(e)
			}
		}
	}
	for _, n := range plan.Notes {
		if whole && n.Type == "AWS::ApiGatewayV2::Api" && len(plan.APIs) == 0 {
			refuse(&sam.Error{
				File:    n.File,
				Line:    n.Line,
				Column:  n.Column,
				Subject: n.LogicalID,
				Problem: "HTTP APIs are not implemented locally, and the template has no WebSocket API",
				Remedy:  "use ProtocolType: WEBSOCKET",
			})
		}
	}
	for _, k := range plan.Keys {
		if err := kms.CheckSpec(k.Spec, k.Usage); err != nil {
			refuse(k.Mistake("KeySpec", k.Spec+" for "+k.Usage+": "+err.Error(),
				"use SYMMETRIC_DEFAULT, an RSA, NIST or HMAC key"))
		}
	}
	if whole { // otherwise a policy may lack something because of another error
		errs = append(errs, checkPolicies(plan)...)
	}
	return errs
}

// checkPolicies returns the policies that IAM would refuse as malformed.
func checkPolicies(plan *sam.Plan) (errs sam.Errors) {
	for _, f := range plan.Functions {
		if err := iam.CheckRole(roleStatements(f)); err != nil {
			errs = append(errs, f.Mistake("Role", "a policy of its role is malformed: "+err.Error(),
				"correct that statement"))
		}
	}
	for _, k := range plan.Keys {
		if k.Policy == nil {
			continue
		}
		if err := iam.CheckResource(statements(*k.Policy)); err != nil {
			errs = append(errs, k.Mistake("KeyPolicy", "the policy is malformed: "+err.Error(),
				"correct that statement"))
		}
	}
	for _, t := range plan.Tables {
		if t.ResourcePolicy == nil {
			continue
		}
		if err := iam.CheckResource(statements(*t.ResourcePolicy)); err != nil {
			errs = append(errs, t.Mistake("ResourcePolicy", "the policy is malformed: "+err.Error(),
				"correct that statement"))
		}
	}
	return errs
}

// checkRoute returns what API Gateway would refuse in a route.
func checkRoute(api sam.WebSocketAPI, r sam.Route) []*sam.Error {
	var errs []*sam.Error
	if r.Authorizer != nil {
		for _, source := range r.Authorizer.IdentitySources {
			if err := gateway.CheckIdentitySource(source); err != nil {
				errs = append(errs, r.Mistake("AuthorizerId", err.Error(), "correct IdentitySource of the authorizer"))
			}
		}
	}
	if r.Mock != nil {
		if err := gateway.CheckMapping(r.Mock.Response, api.StageVariables); err != nil {
			errs = append(errs, r.Mock.Mistake("ResponseTemplates", err.Error(),
				"use text, $stageVariables.NAME and $context. with "+strings.Join(gateway.MappingVariables(), ", ")))
		}
	}
	if r.ModelSelectionExpression == "" {
		return errs
	}
	if err := gateway.CheckSelection(r.ModelSelectionExpression); err != nil {
		errs = append(errs, r.Mistake("ModelSelectionExpression",
			strconv.Quote(r.ModelSelectionExpression)+" cannot be evaluated: "+err.Error(),
			"use a path into the message such as $request.body.action"))
	}
	for _, name := range slices.Sorted(maps.Values(r.RequestModels)) {
		if err := gateway.CheckModel(api.ID, name, models(api)); err != nil {
			errs = append(errs, r.Mistake("RequestModels", err.Error(), "correct the model's Schema"))
		}
	}
	return errs
}
