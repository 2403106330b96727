package iam_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/localstack/iam"
	"github.com/sotto-chat/sotto/localstack/lambda"
)

// deliver is the function that others invoke. Its name alone has to be known:
// it is never run.
const deliver = "arn:aws:lambda:" + region + ":" + account + ":function:deliver"

func TestLambdaNeedsThePermissionsOfAWS(t *testing.T) {
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
	lines := &log{}
	g := newGuard(t, iam.Options{Log: lines.logger()})
	url := serve(t, g.Lambda(service.APIHandler()))
	client := func(name string) *awslambda.Client {
		return awslambda.New(awslambda.Options{BaseEndpoint: &url, Region: region, Credentials: signedBy(name)})
	}
	grant := func(statements ...iam.Statement) {
		t.Helper()
		if err := g.Update(map[string]iam.Role{function: role(statements...)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	invoke := func(name, qualifier string) func(*awslambda.Client) error {
		return func(c *awslambda.Client) error {
			in := &awslambda.InvokeInput{FunctionName: &name}
			if qualifier != "" {
				in.Qualifier = &qualifier
			}
			_, err := c.Invoke(t.Context(), in)
			return err
		}
	}
	for _, c := range []struct {
		name, action, resource string
		call                   func(*awslambda.Client) error
	}{
		{"Invoke by name", "lambda:InvokeFunction", deliver, invoke("deliver", "")},
		{"Invoke by ARN", "lambda:InvokeFunction", deliver, invoke(deliver, "")},
		{"Invoke by account and name", "lambda:InvokeFunction", deliver, invoke(account+":function:deliver", "")},
		{"Invoke with a qualifier", "lambda:InvokeFunction", deliver + ":live", invoke("deliver", "live")},
		{"Invoke with a qualified name", "lambda:InvokeFunction", deliver + ":live", invoke("deliver:live", "")},
		{"GetFunction", "lambda:GetFunction", deliver, func(c *awslambda.Client) error {
			_, err := c.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: aws.String("deliver")})
			return err
		}},
		{"GetFunctionConfiguration", "lambda:GetFunctionConfiguration", deliver, func(c *awslambda.Client) error {
			_, err := c.GetFunctionConfiguration(t.Context(),
				&awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("deliver")})
			return err
		}},
		{"ListFunctions", "lambda:ListFunctions", "*", func(c *awslambda.Client) error {
			_, err := c.ListFunctions(t.Context(), &awslambda.ListFunctionsInput{})
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			grant(statement("Allow", "lambda:*", deliver+"2", nil))
			err := c.call(client(function))
			if c.resource == "*" {
				grant()
				lines.lines()
				err = c.call(client(function))
			}
			text := "api error AccessDeniedException: User: " + session +
				" is not authorized to perform: " + c.action + " on resource: " + c.resource +
				" because no identity-based policy allows the " + c.action + " action"
			if err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "StatusCode: 403") {
				t.Errorf("got %v\nwant %s", err, text)
			}
			wantLine(t, lines, c.action, c.resource)
			grant(statement("Allow", c.action, c.resource, nil))
			wantServed(t, c.call(client(function)), lines)
			grant()
			wantServed(t, c.call(client("developer")), lines)
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
		t.Errorf("%s %v\ngot  %s\nwant %s", response.Status, response.Header, body, want)
	}
}
