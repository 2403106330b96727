package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	management "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	managementtypes "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/sotto-chat/sotto/shared/frame"
)

// awsConfig returns the configuration that the SDK's own loader makes of
// AWS_ENDPOINT_URL, any credentials and any region.
func awsConfig(url string) aws.Config {
	return aws.Config{
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("anything", "goes", ""),
		BaseEndpoint: &url,
	}
}

// TestAWSClients wants the SDK's clients, configured with the endpoint alone,
// to find the resources of the template.
func TestAWSClients(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	needsAPIs(t, s)
	config := awsConfig(s.url)

	tables, err := dynamodb.NewFromConfig(config).ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"Users", "Memberships", "Connections", "Listeners", "Rooms", "Messages", "Rates", "Keys",
	} {
		if !slices.ContainsFunc(tables.TableNames,
			func(table string) bool { return strings.Contains(table, name+"Table") }) {
			t.Errorf("got the tables %v, want one named %sTable", tables.TableNames, name)
		}
	}

	keys := kms.NewFromConfig(config)
	list, err := keys.ListKeys(ctx, &kms.ListKeysInput{})
	if err != nil || len(list.Keys) != 1 || !strings.Contains(*list.Keys[0].KeyArn, ":000000000000:key/") {
		t.Fatalf("got the keys %+v, %v; want one of account 000000000000", list, err)
	}
	sealed, err := keys.Encrypt(ctx, &kms.EncryptInput{KeyId: list.Keys[0].KeyId, Plaintext: []byte("a data key")})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := keys.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	if err != nil || string(opened.Plaintext) != "a data key" {
		t.Errorf("Decrypt: got %+v, %v; want \"a data key\"", opened, err)
	}

	functions := lambda.NewFromConfig(config)
	answer, err := functions.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String("local-DefaultFunction"),
		Payload:      []byte(`{"requestContext":{"connectionId":"none="},"body":"{}"}`),
	})
	if err != nil || answer.FunctionError != nil || !strings.Contains(string(answer.Payload), `"statusCode":200`) {
		t.Errorf("Invoke: got %+v, %v; want status code 200", answer, err)
	}
	failed, err := functions.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String("local-DefaultFunction"),
		Payload:      []byte(`"no event"`),
	})
	if err != nil || failed.FunctionError == nil || !strings.Contains(string(failed.Payload), `"errorType"`) {
		t.Errorf("Invoke with a payload that is no event: got %+v, %v; want a function error", failed, err)
	}
}

// TestConnectionsAPI posts to a client by @connections, with and without the
// stage in the endpoint.
func TestConnectionsAPI(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	needsAPIs(t, s)
	p := connect(ctx, t, s, newUser(t, "posted"))
	p.begin() // the service's row then links the user to the connection id
	id := connectionOf(t, s, string(p.user.name))

	for _, url := range []string{s.url, s.url + "/local"} {
		client := management.NewFromConfig(awsConfig(url))
		if _, err := client.PostToConnection(ctx, &management.PostToConnectionInput{
			ConnectionId: &id,
			Data:         []byte(`{"type":"posted","to":"` + url + `"}`),
		}); err != nil {
			t.Fatal(err)
		}
		if got, err := p.next(ctx); err != nil || got != `{"type":"posted","to":"`+url+`"}` {
			t.Errorf("posted through %s: got %s, %v; want the posted text", url, got, err)
		}
		if info, err := client.GetConnection(ctx,
			&management.GetConnectionInput{ConnectionId: &id}); err != nil || info.ConnectedAt == nil ||
			info.Identity == nil {
			t.Errorf("GetConnection through %s: got %+v, %v; want ConnectedAt and Identity", url, info, err)
		}
	}
	client := management.NewFromConfig(awsConfig(s.url))
	if _, err := client.DeleteConnection(ctx, &management.DeleteConnectionInput{ConnectionId: &id}); err != nil {
		t.Fatal(err)
	}
	if code, err := p.closed(ctx); code != 1000 {
		t.Errorf("after DeleteConnection: got close code %v, %v; want 1000", code, err)
	}
	_, err := client.PostToConnection(ctx, &management.PostToConnectionInput{ConnectionId: &id, Data: []byte("late")})
	if _, gone := errors.AsType[*managementtypes.GoneException](err); !gone {
		t.Errorf("post to a closed connection: got %v, want GoneException", err)
	}
}

// TestUnsignedRequestsAreRefused sends requests that AWS wants signed without a
// signature. Each service refuses them in its own way, so no web page can make
// them.
func TestUnsignedRequestsAreRefused(t *testing.T) {
	s := sharedStack(t)
	needsAPIs(t, s)
	for _, r := range []struct {
		method, path, target string
		status               int
	}{
		{http.MethodPost, "/", "DynamoDB_20120810.ListTables", http.StatusBadRequest},
		{http.MethodPost, "/", "TrentService.ListKeys", http.StatusBadRequest},
		{http.MethodPost, "/2015-03-31/functions/local-PingFunction/invocations", "", http.StatusForbidden},
		{http.MethodGet, "/2015-03-31/functions", "", http.StatusForbidden},
		{http.MethodPost, "/local/@connections/abc=", "", http.StatusForbidden},
		{http.MethodPost, "/@connections/abc=", "", http.StatusForbidden},
	} {
		request, err := http.NewRequestWithContext(t.Context(), r.method, s.url+r.path, strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Amz-Target", r.target)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != r.status ||
			!strings.Contains(string(body), "Missing Authentication Token") {
			t.Errorf("%s %s %s: got %d %s, %v; want %d and a missing token", r.method, r.path, r.target,
				response.StatusCode, body,
				err, r.status)
		}
	}
}

// TestForeignHostsAreRefused sends requests with a foreign Host header, as a
// page would whose name DNS points at this machine.
func TestForeignHostsAreRefused(t *testing.T) {
	s := sharedStack(t)
	needsAPIs(t, s)
	for host, want := range map[string]int{"evil.example": http.StatusForbidden, "localhost": http.StatusOK} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/_localstack/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("Host %s: got %d, want %d", host, response.StatusCode, want)
		}
	}
}

// TestHealthOfARunningStack wants every member of the health document, with the
// resources of the template.
func TestHealthOfARunningStack(t *testing.T) {
	s := sharedStack(t)
	needsProcess(t)
	status, h, err := s.health()
	if err != nil || status != http.StatusOK {
		t.Fatalf("health: got %d, %v; want 200", status, err)
	}
	want := map[string]string{"dynamodb": "running", "kms": "running", "lambda": "running", "execute-api": "running"}
	if !maps.Equal(h.Services, want) || h.PID != s.process.cmd.Process.Pid || h.Doing != "" ||
		h.WebSocket != "ws"+strings.TrimPrefix(s.url, "http")+"/local" {
		t.Errorf("health: got %+v, want services %v, pid %d and the WebSocket address of %s", h, want,
			s.process.cmd.Process.Pid, s.url)
	}
	for _, route := range []string{
		"$connect", "$disconnect", "$default", frame.ActionHandshake, frame.ActionSendMessage, frame.ActionHistory,
		frame.ActionJoinRoom, frame.ActionLeaveRoom, frame.ActionRotateKey, frame.ActionPing,
	} {
		if !slices.Contains(h.Routes, route) {
			t.Errorf("health: got the routes %v, want %s among them", h.Routes, route)
		}
	}
	for _, function := range []string{"Connect", "Handshake", "SendMessage", "RotateServerKey"} {
		if !slices.Contains(h.Functions, "local-"+function+"Function") {
			t.Errorf("health: got the functions %v, want local-%sFunction among them", h.Functions, function)
		}
	}
}

// connectionOf returns the id of the one connection that has begun a handshake
// as a user.
func connectionOf(t testing.TB, s *stack, name string) string {
	t.Helper()
	needsAPIs(t, s)
	items, err := allItems(t.Context(), dynamodb.NewFromConfig(awsConfig(s.url)))
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		table, line, _ := strings.Cut(item, " ")
		if !strings.Contains(table, "ConnectionsTable") || !strings.Contains(line, `"`+name+`"`) {
			continue
		}
		var row struct {
			Connection struct{ Value string } `json:"connection"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		return row.Connection.Value
	}
	t.Fatalf("no connection has begun a handshake as %s", name)
	return ""
}
