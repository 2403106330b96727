package edge_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/coder/websocket"
)

// The test binary is also the process of a function. Go and the SDKs read their
// proxy, trust and endpoint settings from the environment once in each process,
// so a test of them needs one. The process knows nothing about the stack.

// isFunction is the variable that makes the test binary a function's process.
const isFunction = "EDGE_TEST_FUNCTION"

// patience is how long a test waits for an event that should come at once.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(isFunction) != "" {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for _, step := range os.Args[1:] {
			verb, arg, _ := strings.Cut(step, "=")
			result, err := functionSteps[verb](ctx, arg)
			if err != nil {
				result = "error: " + err.Error()
			}
			fmt.Println(strings.ReplaceAll(result, "\n", " "))
		}
		return
	}
	os.Exit(m.Run())
}

// functionSteps are the steps that a function's process can take. Each prints
// one line.
var functionSteps = map[string]func(ctx context.Context, arg string) (string, error){
	// tables lists the tables with a client without an endpoint setting.
	"tables": func(ctx context.Context, _ string) (string, error) {
		out, err := awsdynamodb.NewFromConfig(awsConfig()).ListTables(ctx, &awsdynamodb.ListTablesInput{})
		if err != nil {
			return "", err
		}
		return strings.Join(out.TableNames, ","), nil
	},
	// item writes an item to a table and reads it.
	"item": func(ctx context.Context, table string) (string, error) {
		c := awsdynamodb.NewFromConfig(awsConfig())
		key := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "a"}}
		if _, err := c.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: &table, Item: key}); err != nil {
			return "", err
		}
		out, err := c.GetItem(ctx, &awsdynamodb.GetItemInput{TableName: &table, Key: key})
		if err != nil {
			return "", err
		}
		return fmt.Sprint(len(out.Item)), nil
	},
	// account lists tables by the host name of an account.
	"account": func(ctx context.Context, id string) (string, error) {
		config := awsConfig()
		config.BaseEndpoint = aws.String("https://" + id + ".ddb.us-east-1.amazonaws.com")
		out, err := awsdynamodb.NewFromConfig(config).ListTables(ctx, &awsdynamodb.ListTablesInput{})
		if err != nil {
			return "", err
		}
		return strings.Join(out.TableNames, ","), nil
	},
	// secret encrypts a text with a key and decrypts it.
	"secret": func(ctx context.Context, key string) (string, error) {
		c := awskms.NewFromConfig(awsConfig())
		sealed, err := c.Encrypt(ctx, &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("text")})
		if err != nil {
			return "", err
		}
		opened, err := c.Decrypt(ctx, &awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
		if err != nil {
			return "", err
		}
		return string(opened.Plaintext), nil
	},
	// post posts to a connection at https://{domainName}/{stage}, as public
	// samples do.
	"post": func(ctx context.Context, endpoint string) (string, error) {
		c := apigatewaymanagementapi.NewFromConfig(awsConfig(),
			func(o *apigatewaymanagementapi.Options) { o.BaseEndpoint = &endpoint })
		_, err := c.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: aws.String("eHr="),
			Data:         []byte("hello"),
		})
		if errors.As(err, new(*apitypes.GoneException)) {
			return "gone", nil
		}
		return "posted", err
	},
	// socket reads a message from a WebSocket.
	"socket": func(ctx context.Context, url string) (string, error) {
		ws, _, err := websocket.Dial(ctx, url, nil)
		if err != nil {
			return "", err
		}
		defer ws.CloseNow()
		_, text, err := ws.Read(ctx)
		return string(text), err
	},
	// get is a GET with the default client of Go.
	"get": func(ctx context.Context, url string) (string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", err
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.Status + " " + string(body), err
	},
}

// awsConfig reads the environment as config.LoadDefaultConfig does, as far as
// it matters here.
func awsConfig() aws.Config {
	c := aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"),
			os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	if bundle := os.Getenv("AWS_CA_BUNDLE"); bundle != "" {
		pem, err := os.ReadFile(bundle)
		if err != nil {
			panic(err)
		}
		c.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
			tr.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
			tr.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
		})
	}
	return c
}

// runFunction runs the steps in a process with only that environment, and
// returns a line for each step.
func runFunction(t *testing.T, env map[string]string, steps ...string) []string {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	command := exec.CommandContext(ctx, executable, steps...)
	command.Env = []string{isFunction + "=1", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=ASIASEND",
		"AWS_SECRET_ACCESS_KEY=secret"}
	for _, name := range []string{"PATH", "SystemRoot", "TMPDIR", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("function's process: %v\n%s", err, &stderr)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(steps) {
		t.Fatalf("got %d lines, want one for each of %d steps:\n%s", len(lines), len(steps), out)
	}
	return lines
}
