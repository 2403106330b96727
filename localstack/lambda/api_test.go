package lambda_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

func TestD2_5_InvokeWithTheSDK(t *testing.T) {
	st := serve(t, nil, function("f"))
	client := st.client()
	for _, name := range []string{
		"f", "f:$LATEST", "000000000000:function:f", "function:f",
		"arn:aws:lambda:us-east-1:000000000000:function:f", "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
	} {
		out, err := client.Invoke(t.Context(), &sdk.InvokeInput{
			FunctionName: &name,
			Payload:      []byte(`{"Text":"hello"}`),
		})
		if err != nil {
			t.Fatalf("invoke %s: %v", name, err)
		}
		if string(out.Payload) != `"hello"` || out.StatusCode != 200 || out.FunctionError != nil ||
			aws.ToString(out.ExecutedVersion) != "$LATEST" {
			t.Errorf("invoke %s: got %s, %+v, want \"hello\" from $LATEST with status 200", name, out.Payload, out)
		}
	}

	out, err := client.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName: aws.String("f"),
		Payload:      []byte(`{"Do":"fail","Text":"no such room"}`),
		LogType:      types.LogTypeTail,
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.StatusCode != 200 || aws.ToString(out.FunctionError) != "Unhandled" ||
		string(out.Payload) != `{"errorMessage":"no such room","errorType":"errorString"}` {
		t.Errorf("a failing function: got %s, %+v, want its error as Unhandled with status 200", out.Payload, out)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?s)^START RequestId: (\S+) Version: \$LATEST\n.*no such room.*\nEND RequestId: (\S+)\nREPORT RequestId: .*\n$`).Match(log) {
		t.Errorf("got the log %q, want START, the error, END and REPORT", log)
	}

	out, err = client.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName:   aws.String("f"),
		InvocationType: types.InvocationTypeDryRun,
	})
	if err != nil || out.StatusCode != http.StatusNoContent {
		t.Errorf("dry run: got %v, %+v, want status 204", err, out)
	}
}

func TestD5_1_InvokeEventWithTheSDK(t *testing.T) {
	st := serve(t, nil, function("f"))
	file := filepath.Join(t.TempDir(), "record")
	out, err := st.client().Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName:   aws.String("f"),
		InvocationType: types.InvocationTypeEvent,
		Payload:        marshal(t, event{Do: "record", File: file}),
	})
	if err != nil || out.StatusCode != http.StatusAccepted || len(out.Payload) != 0 {
		t.Fatalf("got %v, %+v, want status 202 without a payload", err, out)
	}
	eventually(t, "the event is delivered", func() bool { return len(lines(t, file)) == 1 })
}

func TestD2_5_RefusalsAreTypedForTheSDK(t *testing.T) {
	st := serve(t, nil, function("f"), function("off", reserved(0)))
	client := st.client()
	big := []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	huge := []byte(`"` + strings.Repeat("x", 6<<20) + `"`)
	for _, test := range []struct {
		name  string
		input sdk.InvokeInput
		want  func(error) bool
	}{
		{"unknown function", sdk.InvokeInput{FunctionName: aws.String("absent")},
			isA[*types.ResourceNotFoundException]},
		{"unknown version", sdk.InvokeInput{
			FunctionName: aws.String("f"),
			Qualifier:    aws.String("7"),
		}, isA[*types.ResourceNotFoundException]},
		{"unknown version in name", sdk.InvokeInput{FunctionName: aws.String("f:live")},
			isA[*types.ResourceNotFoundException]},
		{"dry run of unknown", sdk.InvokeInput{
			FunctionName:   aws.String("absent"),
			InvocationType: types.InvocationTypeDryRun,
		}, isA[*types.ResourceNotFoundException]},
		{"event for unknown", sdk.InvokeInput{
			FunctionName:   aws.String("absent"),
			InvocationType: types.InvocationTypeEvent,
		}, isA[*types.ResourceNotFoundException]},
		{"no concurrency", sdk.InvokeInput{FunctionName: aws.String("off")}, func(err error) bool {
			e, ok := errors.AsType[*types.TooManyRequestsException](err)
			return ok && e.Reason == types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
		}},
		{"too large", sdk.InvokeInput{
			FunctionName: aws.String("f"),
			Payload:      huge,
		}, isA[*types.RequestTooLargeException]},
		{"too large for an event", sdk.InvokeInput{
			FunctionName:   aws.String("f"),
			Payload:        big,
			InvocationType: types.InvocationTypeEvent,
		}, isA[*types.RequestTooLargeException]},
		{"not JSON", sdk.InvokeInput{
			FunctionName: aws.String("f"),
			Payload:      []byte("{"),
		}, isA[*types.InvalidRequestContentException]},
		{"client context", sdk.InvokeInput{
			FunctionName:  aws.String("f"),
			ClientContext: aws.String("%"),
		}, isA[*types.InvalidRequestContentException]},
		{"invocation type", sdk.InvokeInput{
			FunctionName:   aws.String("f"),
			InvocationType: "Later",
		}, isA[*types.InvalidParameterValueException]},
		{"log type", sdk.InvokeInput{
			FunctionName: aws.String("f"),
			LogType:      "Head",
		}, isA[*types.InvalidParameterValueException]},
	} {
		if _, err := client.Invoke(t.Context(), &test.input); !test.want(err) {
			t.Errorf("%s: got %T: %[2]v, want another exception", test.name, err)
		}
	}
}

// isA reports whether err is or wraps an E.
func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestFunctionsAreListed(t *testing.T) {
	st := serve(t, nil, function("b", env("TABLE", "rooms"), reserved(3)), function("a"))
	client := st.client()
	list, err := client.ListFunctions(t.Context(), &sdk.ListFunctionsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Functions) != 2 || *list.Functions[0].FunctionName != "a" || *list.Functions[1].FunctionName != "b" {
		t.Fatalf("got the functions %+v, want a and b", list.Functions)
	}
	got, err := client.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("b")})
	if err != nil {
		t.Fatal(err)
	}
	c := got.Configuration
	if *c.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:b" ||
		c.Runtime != types.RuntimeProvidedal2023 ||
		*c.MemorySize != 128 || *c.Timeout != 60 || c.Environment.Variables["TABLE"] != "rooms" ||
		*got.Concurrency.ReservedConcurrentExecutions != 3 {
		t.Errorf("got %+v, want the configuration of b", got)
	}
	_, err = client.GetFunctionConfiguration(t.Context(),
		&sdk.GetFunctionConfigurationInput{FunctionName: aws.String("c")})
	if !isA[*types.ResourceNotFoundException](err) {
		t.Errorf("unknown function: got %v, want ResourceNotFoundException", err)
	}
}

func TestD4_4_Defaults(t *testing.T) {
	st := serve(t, nil, lambda.Function{Name: "f", Binary: binary})
	got, err := st.client().GetFunctionConfiguration(t.Context(),
		&sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Timeout != 3 || *got.MemorySize != 128 || *got.EphemeralStorage.Size != 512 ||
		*got.Handler != "bootstrap" ||
		got.State != types.StateActive || got.LastUpdateStatus != types.LastUpdateStatusSuccessful ||
		got.CodeSize == 0 ||
		*got.LoggingConfig.LogGroup != "/aws/lambda/f" || got.DeadLetterConfig != nil || got.LastModified == nil {
		t.Errorf("got %+v, want Lambda's defaults", got)
	}
}

func TestUnsupportedOperationIsNamed(t *testing.T) {
	st := serve(t, nil, function("f"))
	res, err := http.Get(st.url + "/2015-03-31/layers")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("X-Amzn-Errortype"); res.StatusCode != 404 || got != "UnknownOperationException" {
		t.Errorf("got status %d, type %q, want 404 UnknownOperationException", res.StatusCode, got)
	}
}

func TestNothingIsServedAfterClose(t *testing.T) {
	st := serve(t, nil, function("f"))
	if err := st.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := st.client().Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f")})
	if !isA[*types.ServiceException](err) {
		t.Errorf("invoke: got %v, want ServiceException", err)
	}
	if err := st.Deploy(nil); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("deploy: got %v, want ErrClosed", err)
	}
}
