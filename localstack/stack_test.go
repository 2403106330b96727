package main

import (
	"context"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/coder/websocket"
)

const echoTemplate = "testdata/echo/template.yaml"

func awsConfig(url string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("anything", "goes", ""),
		BaseEndpoint: &url,
	}
}

// dial opens a WebSocket.
func dial(t *testing.T, p *process) (conn *websocket.Conn) {
	t.Helper()
	_, h := p.health(t)
	conn, _, err := websocket.Dial(t.Context(), h.WebSocket, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// echo sends a message and waits for its echo.
func echo(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	_, got, err := conn.Read(ctx)
	if err != nil || string(got) != text {
		t.Fatalf("got %q, %v; want %q back", got, err, text)
	}
}

// attribute returns a binary attribute of an item, or nil.
func attribute(t *testing.T, p *process, id, name string) []byte {
	t.Helper()
	out, err := dynamodb.NewFromConfig(awsConfig(p.url)).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName:      aws.String("echo"),
		ConsistentRead: aws.Bool(true),
		Key:            map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	value, _ := out.Item[name].(*types.AttributeValueMemberB)
	if value == nil {
		return nil
	}
	return value.Value
}

// A message that was answered survives a crash: its item, and the key that
// encrypts part of it.
func TestMessagesSurviveACrash(t *testing.T) {
	data := t.TempDir()
	p := startProcess(t, "-template", echoTemplate, "-data", data)
	echo(t, dial(t, p), "kept")
	p.kill()

	p = startProcess(t, "-template", echoTemplate, "-data", data)
	sealed := attribute(t, p, "kept", "sealed")
	opened, err := kms.NewFromConfig(awsConfig(p.url)).Decrypt(t.Context(), &kms.DecryptInput{
		CiphertextBlob: sealed,
		KeyId:          aws.String("alias/echo"),
	})
	if err != nil || string(opened.Plaintext) != "kept" {
		t.Errorf("decrypting after the crash: %v, want the message", err)
	}
	echo(t, dial(t, p), "and on")
}

func TestStopInOrder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that ends a process of another console in order")
	}
	data := t.TempDir()
	p := startProcess(t, "-template", echoTemplate, "-data", data)
	conn := dial(t, p)
	echo(t, conn, "hello")

	p.signal(t, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, _, err := conn.Read(ctx)
	if code := websocket.CloseStatus(err); code != websocket.StatusGoingAway {
		t.Errorf("the socket closed with %v (%v), want 1001", code, err)
	}
	if state := p.wait(t); state.ExitCode() != 0 {
		t.Errorf("the stack ended with %v, want 0", state)
	}

	p = startProcess(t, "-template", echoTemplate, "-data", data)
	out, err := dynamodb.NewFromConfig(awsConfig(p.url)).Scan(t.Context(),
		&dynamodb.ScanInput{TableName: aws.String("echo")})
	if err != nil {
		t.Fatal(err)
	}
	found := slices.ContainsFunc(out.Items, func(item map[string]types.AttributeValue) bool {
		code, ok := item["code"].(*types.AttributeValueMemberB)
		return ok && string(code.Value) == "1001"
	})
	if !found {
		t.Errorf("none of %d items is of a $disconnect with 1001", len(out.Items))
	}
}

func TestHealthAndServicesOfARunningStack(t *testing.T) {
	p := startProcess(t, "-template", echoTemplate, "-data", t.TempDir(), "-parameter", "StageName=beta")
	status, h := p.health(t)
	if status != http.StatusOK || h.PID != p.cmd.Process.Pid || h.Doing != "" ||
		!slices.Equal(h.Functions, []string{"echo"}) || h.Services["dynamodb"] != "running" ||
		!strings.HasSuffix(h.WebSocket, "/beta") ||
		!strings.HasPrefix(h.WebSocket, "ws"+strings.TrimPrefix(p.url, "http")) {
		t.Errorf("health is %d %+v, want 200 with echo, dynamodb and the stage beta", status, h)
	}
	for _, route := range []string{"$connect", "$disconnect", "$default"} {
		if !slices.Contains(h.Routes, route) {
			t.Errorf("health has the routes %v, want %s among them", h.Routes, route)
		}
	}
	echo(t, dial(t, p), "over the stage beta")

	invoked, err := lambda.NewFromConfig(awsConfig(p.url)).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("echo"),
		Payload:      []byte(`{"requestContext":{"routeKey":"$connect"}}`),
	})
	if err != nil || invoked.FunctionError != nil || !strings.Contains(string(invoked.Payload), `"statusCode":200`) {
		t.Errorf("Invoke returns %+v, %v, want status 200", invoked, err)
	}
	response, err := http.Get(p.url + "/beta")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a GET of the stage without an upgrade is answered %d, want 426", response.StatusCode)
	}
	eventually(t, "the function's log on stderr",
		func() bool { return strings.Contains(p.stderr.String(), "REPORT RequestId: ") })
}

// stuck is an app whose function never answers.
var stuck = map[string]string{
	"template.yaml": `Transform: AWS::Serverless-2016-10-31
Resources:
  Stuck:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: stuck, CodeUri: fn, Runtime: provided.al2023, Handler: bootstrap, Timeout: 900}
    Metadata: {BuildMethod: go1.x}
`,
	"fn/go.mod": "module stuck\n\ngo 1.26\n",
	"fn/main.go": `package main

import (
	"net/http"
	"os"
	"time"
)

func main() {
	next := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/next"
	if _, err := http.Get(next); err != nil {
		panic(err)
	}
	time.Sleep(time.Hour) // never answers
}
`,
}

func TestSecondInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that ends a process of another console in order")
	}
	dir := writeFiles(t, stuck)
	p := startProcess(t, "-template", dir+"/template.yaml")
	invoked := make(chan error, 1)
	go func() {
		client := lambda.NewFromConfig(awsConfig(p.url), func(o *lambda.Options) { o.Retryer = aws.NopRetryer{} })
		_, err := client.Invoke(context.WithoutCancel(t.Context()),
			&lambda.InvokeInput{FunctionName: aws.String("stuck")})
		invoked <- err
	}()
	eventually(t, "the START line of the function",
		func() bool { return strings.Contains(p.stderr.String(), "START RequestId: ") })
	p.signal(t, os.Interrupt)
	eventually(t, "the stack to begin stopping", func() bool { return strings.Contains(p.stderr.String(), "stopping") })
	p.signal(t, os.Interrupt)
	if state := p.wait(t); state.Exited() {
		t.Errorf("the stack ended with %v, want that the second interrupt kills it", state)
	}
	if err := <-invoked; err == nil {
		t.Error("the invocation was answered, want an error")
	}
}
