package iam_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// A guard refuses what the role of the calling function does not allow.
func ExampleGuard_Check() {
	const table = "arn:aws:dynamodb:eu-central-1:123456789012:table/rooms"
	guard, err := iam.New(iam.Options{
		Account: "123456789012",
		Region:  "eu-central-1",
		Roles: map[string]iam.Role{"reader": {
			ARN:  "arn:aws:iam::123456789012:role/reader-role",
			Name: "reader-role",
			Statements: []iam.Statement{{
				Effect:   "Allow",
				Action:   []string{"dynamodb:GetItem", "dynamodb:Query"},
				Resource: []string{table},
			}},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := trace.WithCaller(context.Background(), trace.Caller{Function: "reader"})
	for _, action := range []string{"dynamodb:GetItem", "dynamodb:PutItem"} {
		if denied, ok := errors.AsType[*iam.Denied](guard.Check(ctx, action, table, nil)); ok {
			fmt.Println(denied.Action, "is denied; explicitly:", denied.Explicit())
			continue
		}
		fmt.Println(action, "is allowed")
	}
	// Output:
	// dynamodb:GetItem is allowed
	// dynamodb:PutItem is denied; explicitly: false
}
