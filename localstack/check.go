package main

import (
	"fmt"

	"github.com/sotto-chat/sotto/localstack/sam"
)

// check refuses what the template asks for and this stack would silently do
// otherwise. One line per refusal, as the template's own mistakes have.
func check(plan *sam.Plan) error {
	var errs sam.Errors
	refuse := func(subject, problem, remedy string) {
		errs = append(errs, &sam.Error{File: plan.Path, Subject: subject, Problem: problem, Remedy: remedy})
	}
	for _, api := range plan.APIs {
		for _, r := range api.Routes {
			subject := fmt.Sprintf("%s.Routes.%s", api.LogicalID, r.Key)
			if r.Authorizer != nil {
				refuse(subject, "Lambda authorizers are not run here, so everybody would be let in", "check the caller in the $connect function")
			}
			if r.IAM {
				refuse(subject, "AuthorizationType AWS_IAM is not checked here, so everybody would be let in", "set it by a condition for AWS only")
			}
			if r.APIKeyRequired {
				refuse(subject, "API keys are not checked here, so everybody would be let in", "set ApiKeyRequired by a condition for AWS only")
			}
			if len(r.RequestModels) > 0 {
				refuse(subject, "request models are not checked here", "validate in the function")
			}
		}
	}
	for _, t := range plan.Tables {
		if t.StreamView != "" {
			refuse(t.LogicalID+".StreamSpecification", "table streams are not supported here", "remove it, or set it by a condition for AWS only")
		}
	}
	for _, k := range plan.Keys {
		switch {
		case k.Spec != "SYMMETRIC_DEFAULT":
			refuse(k.LogicalID+".KeySpec", k.Spec+" is not supported here", "use SYMMETRIC_DEFAULT")
		case !k.Enabled:
			refuse(k.LogicalID+".Enabled", "disabled keys are not supported here", "remove it")
		}
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}
