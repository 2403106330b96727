package iam_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/lambda"
)

// deliver is the function that others invoke. It does not exist, since the
// guard needs its name only.
const deliver = "arn:aws:lambda:" + region + ":" + account + ":function:deliver"

// guardedLambda is a Lambda service without functions behind a guard.
type guardedLambda struct {
	guard *iam.Guard
	url   string
	log   *log
}

func startLambda(t *testing.T) *guardedLambda {
	t.Helper()
	service, err := lambda.New(lambda.Options{
		Account:    account,
		Region:     region,
		RuntimeAPI: "127.0.0.1:1",
		TempDir:    t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	l := &guardedLambda{log: &log{}}
	l.guard = newGuard(t, iam.Options{Log: l.log.logger()})
	l.url = serve(t, l.guard.Lambda(service.APIHandler()))
	return l
}

// client returns a client that signs with this name.
func (l *guardedLambda) client(name string) *awslambda.Client {
	return awslambda.New(awslambda.Options{BaseEndpoint: &l.url, Region: region, Credentials: signedBy(name)})
}

// grant gives the function's role these statements and no others.
func (l *guardedLambda) grant(t *testing.T, statements ...iam.Statement) {
	t.Helper()
	if err := l.guard.Update(map[string]iam.Role{function: role(statements...)}, nil); err != nil {
		t.Fatal(err)
	}
}

type lambdaCall func(context.Context, *awslambda.Client) error

// invoke returns a call of Invoke. An empty qualifier is left out.
func invoke(name, qualifier string) lambdaCall {
	in := awslambda.InvokeInput{FunctionName: &name}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	return func(ctx context.Context, c *awslambda.Client) error { _, err := c.Invoke(ctx, &in); return err }
}

func TestLambdaNeedsThePermissionsOfAWS(t *testing.T) {
	l := startLambda(t)
	for _, c := range []struct {
		name, action, resource string
		call                   lambdaCall
	}{
		{"Invoke by name", "lambda:InvokeFunction", deliver, invoke("deliver", "")},
		{"Invoke by ARN", "lambda:InvokeFunction", deliver, invoke(deliver, "")},
		{"Invoke by account and name", "lambda:InvokeFunction", deliver, invoke(account+":function:deliver", "")},
		{"Invoke with a qualifier", "lambda:InvokeFunction", deliver + ":live", invoke("deliver", "live")},
		{"Invoke with a qualified name", "lambda:InvokeFunction", deliver + ":live", invoke("deliver:live", "")},
		{"GetFunction", "lambda:GetFunction", deliver, func(ctx context.Context, c *awslambda.Client) error {
			_, err := c.GetFunction(ctx, &awslambda.GetFunctionInput{FunctionName: aws.String("deliver")})
			return err
		}},
		{"GetFunctionConfiguration", "lambda:GetFunctionConfiguration", deliver,
			func(ctx context.Context, c *awslambda.Client) error {
				_, err := c.GetFunctionConfiguration(ctx,
					&awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("deliver")})
				return err
			}},
		{"GetAlias", "lambda:GetAlias", deliver, func(ctx context.Context, c *awslambda.Client) error {
			_, err := c.GetAlias(ctx,
				&awslambda.GetAliasInput{FunctionName: aws.String("deliver"), Name: aws.String("live")})
			return err
		}},
		{"PutFunctionConcurrency", "lambda:PutFunctionConcurrency", deliver,
			func(ctx context.Context, c *awslambda.Client) error {
				_, err := c.PutFunctionConcurrency(ctx, &awslambda.PutFunctionConcurrencyInput{
					FunctionName:                 aws.String("deliver"),
					ReservedConcurrentExecutions: aws.Int32(1),
				})
				return err
			}},
		{"ListFunctions", "lambda:ListFunctions", "*", func(ctx context.Context, c *awslambda.Client) error {
			_, err := c.ListFunctions(ctx, &awslambda.ListFunctionsInput{})
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.resource == "*" {
				l.grant(t)
			} else {
				l.grant(t, statement("Allow", "lambda:*", deliver+"2", nil))
			}
			err := c.call(t.Context(), l.client(function))
			want := "api error AccessDeniedException: User: " + session +
				" is not authorized to perform: " + c.action + " on resource: " + c.resource +
				" because no identity-based policy allows the " + c.action + " action"
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "StatusCode: 403") {
				t.Errorf("got %v\nwant StatusCode: 403, %s", err, want)
			}
			wantLine(t, l.log, c.action, c.resource)
			l.grant(t, statement("Allow", c.action, c.resource, nil))
			wantServed(t, c.call(t.Context(), l.client(function)), l.log)
			l.grant(t)
			wantServed(t, c.call(t.Context(), l.client("developer")), l.log)
		})
	}
}

func TestLambdaRefusal(t *testing.T) {
	g := guardOf(t, role())
	url := serve(t, g.Lambda(http.NotFoundHandler()))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		url+"/2015-03-31/functions/deliver/invocations", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+function+"/")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Message":"User: ` + session +
		` is not authorized to perform: lambda:InvokeFunction on resource: ` + deliver +
		` because no identity-based policy allows the lambda:InvokeFunction action"}`
	if response.StatusCode != 403 || string(body) != want ||
		response.Header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
		t.Errorf("got  %s %v %s\nwant 403 AccessDeniedException %s", response.Status, response.Header, body, want)
	}
}
