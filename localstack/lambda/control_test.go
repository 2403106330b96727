package lambda_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

func TestInvokeWithResponseStream(t *testing.T) {
	st := serve(t, nil, function("f", published))
	for _, test := range []struct {
		event              event
		want, code, detail string
	}{
		{event{Text: "hello"}, `"hello"`, "", ""},
		{event{Do: "fail", Text: "no such room"}, "", "Unhandled", "no such room"},
	} {
		out, err := st.client().InvokeWithResponseStream(t.Context(), &sdk.InvokeWithResponseStreamInput{
			FunctionName: aws.String("f:live"),
			Payload:      marshal(t, test.event),
			LogType:      types.LogTypeTail,
		})
		if err != nil {
			t.Fatal(err)
		}
		stream := out.GetStream()
		var payload string
		var complete *types.InvokeWithResponseStreamCompleteEvent
		for e := range stream.Events() {
			switch e := e.(type) {
			case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
				payload += string(e.Value.Payload)
			case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
				complete = &e.Value
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if payload != test.want || complete == nil || aws.ToString(complete.ErrorCode) != test.code ||
			!strings.Contains(aws.ToString(complete.ErrorDetails), test.detail) || complete.LogResult == nil ||
			aws.ToString(out.ExecutedVersion) != "1" {
			t.Errorf("%+v: got %s, %+v of version %s, want %s, error %q", test.event, payload, complete,
				aws.ToString(out.ExecutedVersion), test.want, test.code)
		}
	}
	_, err := st.client().InvokeWithResponseStream(t.Context(),
		&sdk.InvokeWithResponseStreamInput{FunctionName: aws.String("absent")})
	if !isA[*types.ResourceNotFoundException](err) {
		t.Errorf("an unknown function: got %v, want ResourceNotFoundException", err)
	}
}

func TestReservedConcurrencyIsChanged(t *testing.T) {
	st := serve(t, func(opt *lambda.Options) { opt.Concurrency = 150 }, function("f", reserved(20)), function("g"))
	client := st.client()
	get := func() *int32 {
		t.Helper()
		out, err := client.GetFunctionConcurrency(t.Context(),
			&sdk.GetFunctionConcurrencyInput{FunctionName: aws.String("f")})
		if err != nil {
			t.Fatal(err)
		}
		return out.ReservedConcurrentExecutions
	}
	put := func(function string, n int32) error {
		_, err := client.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{
			FunctionName:                 &function,
			ReservedConcurrentExecutions: &n,
		})
		return err
	}
	if got := get(); got == nil || *got != 20 {
		t.Errorf("of the template: got %v, want 20", aws.ToInt32(got))
	}
	if err := put("f", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Invoke(t.Context(), "f", nil); !isRefusal(err, lambda.CodeThrottled) {
		t.Errorf("invoke without concurrency: got %v, want %s", err, lambda.CodeThrottled)
	}
	if err := put("g", 51); !isA[*types.InvalidParameterValueException](err) {
		t.Errorf("reserve all but 99: got %v, want InvalidParameterValueException", err)
	}
	if err := put("g", 50); err != nil {
		t.Errorf("reserve all but 100: %v", err)
	}
	if err := put("absent", 1); !isA[*types.ResourceNotFoundException](err) {
		t.Errorf("of an unknown function: got %v, want ResourceNotFoundException", err)
	}
	if _, err := client.DeleteFunctionConcurrency(t.Context(),
		&sdk.DeleteFunctionConcurrencyInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	if got := get(); got != nil {
		t.Errorf("after it was deleted: got %d, want none", *got)
	}
	st.invoke(t, "f", event{})
	settings, err := client.GetAccountSettings(t.Context(), &sdk.GetAccountSettingsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if l := settings.AccountLimit; l.ConcurrentExecutions != 150 || *l.UnreservedConcurrentExecutions != 100 ||
		settings.AccountUsage.FunctionCount != 2 {
		t.Errorf("account settings: got %+v, %+v, want 150 of which 100 unreserved, 2 functions", l,
			settings.AccountUsage)
	}
}

func TestVersionsAndAliasesAreListed(t *testing.T) {
	st := serve(t, nil, function("f", published))
	client := st.client()
	versions, err := client.ListVersionsByFunction(t.Context(),
		&sdk.ListVersionsByFunctionInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	if v := versions.Versions; len(v) != 2 || *v[0].Version != "$LATEST" || *v[1].FunctionArn != functionARN+":1" {
		t.Errorf("got versions %+v, want $LATEST and 1", v)
	}
	aliases, err := client.ListAliases(t.Context(), &sdk.ListAliasesInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	if a := aliases.Aliases; len(a) != 2 || *a[0].Name != "live" || *a[0].FunctionVersion != "1" {
		t.Errorf("got aliases %+v, want live and next", a)
	}
	alias := func(name string) (*sdk.GetAliasOutput, error) {
		return client.GetAlias(t.Context(), &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: &name})
	}
	if got, err := alias("live"); err != nil || *got.AliasArn != functionARN+":live" {
		t.Errorf("GetAlias: got %+v, %v, want %s", got, err, functionARN+":live")
	}
	if _, err := alias("dead"); !isA[*types.ResourceNotFoundException](err) {
		t.Errorf("GetAlias of an absent one: got %v, want ResourceNotFoundException", err)
	}
}

func TestInvokeAsyncOperation(t *testing.T) {
	st := serve(t, nil, function("f"))
	file := filepath.Join(t.TempDir(), "record")
	//lint:ignore SA1019 old programs still call it
	out, err := st.client().InvokeAsync(t.Context(), &sdk.InvokeAsyncInput{
		FunctionName: aws.String("f"),
		InvokeArgs:   strings.NewReader(string(marshal(t, event{Do: "record", File: file}))),
	})
	if err != nil || out.Status != 202 {
		t.Fatalf("got %+v, %v, want status 202", out, err)
	}
	eventually(t, "the event is delivered", func() bool { return len(lines(t, file)) == 1 })
}

// The answer to an operation that is not served names the operation.
func TestAbsentOperationsNameThemselves(t *testing.T) {
	st := serve(t, nil, function("f"))
	c := st.client()
	f := aws.String("f")
	arn := aws.String(functionARN)
	for name, call := range map[string]func(context.Context) error{
		"DeleteFunction": func(ctx context.Context) error {
			_, err := c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: f})
			return err
		},
		"PutProvisionedConcurrencyConfig": func(ctx context.Context) error {
			_, err := c.PutProvisionedConcurrencyConfig(ctx, &sdk.PutProvisionedConcurrencyConfigInput{
				FunctionName:                    f,
				Qualifier:                       aws.String("live"),
				ProvisionedConcurrentExecutions: aws.Int32(1),
			})
			return err
		},
		"GetFunctionEventInvokeConfig": func(ctx context.Context) error {
			_, err := c.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: f})
			return err
		},
		"CreateFunctionUrlConfig": func(ctx context.Context) error {
			_, err := c.CreateFunctionUrlConfig(ctx, &sdk.CreateFunctionUrlConfigInput{
				FunctionName: f,
				AuthType:     types.FunctionUrlAuthTypeNone,
			})
			return err
		},
		"ListTags": func(ctx context.Context) error {
			_, err := c.ListTags(ctx, &sdk.ListTagsInput{Resource: arn})
			return err
		},
		"ListEventSourceMappings": func(ctx context.Context) error {
			_, err := c.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{})
			return err
		},
		"GetEventSourceMapping": func(ctx context.Context) error {
			_, err := c.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: aws.String("1")})
			return err
		},
		"GetLayerVersion": func(ctx context.Context) error {
			_, err := c.GetLayerVersion(ctx, &sdk.GetLayerVersionInput{
				LayerName:     aws.String("l"),
				VersionNumber: aws.Int64(1),
			})
			return err
		},
		"RemovePermission": func(ctx context.Context) error {
			_, err := c.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: f, StatementId: aws.String("s")})
			return err
		},
	} {
		err := call(t.Context())
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "UnknownOperationException" ||
			!strings.Contains(api.ErrorMessage(), name) {
			t.Errorf("%s: got %v, want an UnknownOperationException that names it", name, err)
		}
		if got := strings.Count(st.log.String(), "operation="+name+" "); got != 1 {
			t.Errorf("%s: got %d lines in the log, want 1", name, got)
		}
	}
}
