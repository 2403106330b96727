package lambda_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

func published(fn *lambda.Function) {
	fn.Versions = []string{"1"}
	fn.Aliases = map[string]string{"live": "1", "next": "$LATEST"}
}

const functionARN = "arn:aws:lambda:us-east-1:000000000000:function:f"

func TestD2_6_AliasesAndVersionsAreInvoked(t *testing.T) {
	st := serve(t, nil, function("f", published))
	client := st.client()
	for _, test := range []struct{ name, qualifier, version, arn string }{
		{"f", "", "$LATEST", functionARN},
		{"f", "$LATEST", "$LATEST", functionARN + ":$LATEST"},
		{"f", "live", "1", functionARN + ":live"},
		{"f", "1", "1", functionARN + ":1"},
		{"f", "next", "$LATEST", functionARN + ":next"},
		{"f:live", "", "1", functionARN + ":live"},
		{"000000000000:function:f:1", "", "1", functionARN + ":1"},
		{functionARN + ":live", "", "1", functionARN + ":live"},
		{functionARN + ":live", "live", "1", functionARN + ":live"},
	} {
		in := &sdk.InvokeInput{
			FunctionName: &test.name,
			Payload: marshal(t,
				event{Do: "context"}),
			LogType: types.LogTypeTail,
		}
		if test.qualifier != "" {
			in.Qualifier = &test.qualifier
		}
		out, err := client.Invoke(t.Context(), in)
		if err != nil {
			t.Errorf("invoke %s with qualifier %q: %v", test.name, test.qualifier, err)
			continue
		}
		got := unmarshal[map[string]any](t, out.Payload)["arn"]
		if got != test.arn || aws.ToString(out.ExecutedVersion) != test.version {
			t.Errorf("invoke %s with qualifier %q: got version %s, ARN %v, want %s, %s",
				test.name, test.qualifier, aws.ToString(out.ExecutedVersion), got, test.version, test.arn)
		}
	}
}

func TestD2_6_UnknownAliasesAndVersionsAreRefused(t *testing.T) {
	st := serve(t, nil, function("f", published))
	client := st.client()
	for _, name := range []string{"f:dead", "f:2", functionARN + ":dead"} {
		for _, kind := range []types.InvocationType{types.InvocationTypeRequestResponse, types.InvocationTypeEvent,
			types.InvocationTypeDryRun} {
			_, err := client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: &name, InvocationType: kind})
			if !isA[*types.ResourceNotFoundException](err) {
				t.Errorf("%s of %s: got %v, want ResourceNotFoundException", kind, name, err)
			}
		}
	}
	_, err := client.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName: aws.String("f:live"),
		Qualifier:    aws.String("1"),
	})
	if !isA[*types.InvalidParameterValueException](err) {
		t.Errorf("a name and a parameter with two qualifiers: got %v, want InvalidParameterValueException", err)
	}
}

// Every operation that takes a function takes its aliases and versions.
func TestD2_6_OtherOperationsTakeQualifiers(t *testing.T) {
	st := serve(t, nil, function("f", published))
	client := st.client()
	got, err := client.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("f:live")})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Configuration.Version != "1" || *got.Configuration.FunctionArn != functionARN+":live" {
		t.Errorf("GetFunction: got version %s, %s, want 1 of the alias", *got.Configuration.Version,
			*got.Configuration.FunctionArn)
	}
	if _, err := client.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{
		FunctionName: aws.String("f"),
		Qualifier:    aws.String("dead"),
	}); !isA[*types.ResourceNotFoundException](err) {
		t.Errorf("GetFunctionConfiguration of an absent alias: got %v, want ResourceNotFoundException", err)
	}
	file := filepath.Join(t.TempDir(), "record")
	if _, err := client.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName:   aws.String(functionARN + ":live"),
		InvocationType: types.InvocationTypeEvent,
		Payload:        marshal(t, event{Do: "record", File: file}),
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is delivered", func() bool { return len(lines(t, file)) == 1 })
	for _, test := range []struct {
		function string
		ok       bool
	}{{"f:live", true}, {functionARN + ":1", true}, {"f:dead", false}} {
		schedule := lambda.Schedule{Function: test.function, Expression: "rate(1 hour)", Enabled: true}
		if err := st.startSchedules([]lambda.Schedule{schedule}); (err == nil) != test.ok {
			t.Errorf("schedule for %s: got %v, want success %v", test.function, err, test.ok)
		}
	}
	if !strings.Contains(st.output.String(), "Version: 1") {
		t.Error("START does not name the version that runs")
	}
}
