package edge_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/edge"
)

// anySignature returns a header that the edge accepts as a signature.
func anySignature() http.Header { return headers("Authorization", "x") }

// upgrade returns the header of a WebSocket handshake.
func upgrade() http.Header { return headers("Connection", "Upgrade", "Upgrade", "websocket") }

// hostNameTests are requests and the answers of the service that gets them.
var hostNameTests = []struct {
	name string
	request
	status int
	text   string
}{
	{"DynamoDB without a target", request{"POST", "/", "dynamodb.us-east-1.amazonaws.com", anySignature()},
		200, "dynamodb /"},
	{"DynamoDB with a port", request{"POST", "/", "dynamodb.us-east-1.amazonaws.com:443", anySignature()},
		200, "dynamodb /"},
	{"DynamoDB in capitals", request{"POST", "/", "DynamoDB.US-East-1.AmazonAWS.com", anySignature()}, 200,
		"dynamodb /"},
	{"DynamoDB whatever the target", request{"POST", "/", "dynamodb.eu-west-1.amazonaws.com",
		headers("Authorization", "x", "X-Amz-Target", "TrentService.Encrypt")}, 200, "dynamodb /"},
	{"DynamoDB, FIPS", request{"POST", "/", "dynamodb-fips.us-gov-west-1.amazonaws.com", anySignature()},
		200, "dynamodb /"},
	{"DynamoDB, dual stack", request{"POST", "/", "dynamodb.ap-southeast-2.api.aws", anySignature()}, 200,
		"dynamodb /"},
	{"DynamoDB, an account's", request{"POST", "/", "123456789012.ddb.us-east-1.amazonaws.com",
		anySignature()}, 200, "dynamodb /"},
	{"DynamoDB, China", request{"POST", "/", "dynamodb.cn-north-1.amazonaws.com.cn", anySignature()}, 200,
		"dynamodb /"},
	{"DynamoDB, China, dual stack", request{"POST", "/",
		"dynamodb.cn-north-1.api.amazonwebservices.com.cn", anySignature()}, 200, "dynamodb /"},
	{"streams", request{"POST", "/", "streams.dynamodb.us-east-1.amazonaws.com", anySignature()}, 200, "dynamodb /"},
	{"streams, dual stack", request{"POST", "/", "streams-dynamodb.us-east-1.api.aws", anySignature()}, 200,
		"dynamodb /"},
	{"DynamoDB, unsigned", request{"POST", "/", "dynamodb.us-east-1.amazonaws.com", nil}, 400,
		"Missing Authentication Token"},
	{"KMS", request{"POST", "/", "kms.us-east-1.amazonaws.com", anySignature()}, 200, "kms /"},
	{"KMS, FIPS, dual stack", request{"POST", "/", "kms-fips.us-east-1.api.aws", anySignature()}, 200, "kms /"},
	{"Lambda", request{"GET", "/2015-03-31/functions", "lambda.us-east-1.amazonaws.com", anySignature()},
		200, "lambda /2015-03-31/functions"},
	{"Lambda, another version", request{"GET", "/2020-06-30/functions/a",
		"lambda.us-east-1.amazonaws.com", anySignature()}, 200, "lambda /2020-06-30/functions/a"},
	{"Lambda, unsigned", request{"GET", "/2015-03-31/functions", "lambda.us-east-1.amazonaws.com",
		nil}, 403, "Missing Authentication Token"},
	{"an upgrade", request{"GET", "/prod", "a1b2c3.execute-api.us-east-1.amazonaws.com", upgrade()}, 200,
		"gateway /prod"},
	{"an upgrade() outside a stage", request{"GET", "/@connections/x",
		"a1b2c3.execute-api.us-east-1.amazonaws.com", upgrade()}, 200, "gateway /@connections/x"},
	{"a plain GET of the API", request{"GET", "/", "a1b2c3.execute-api.us-east-1.amazonaws.com", nil},
		200, "gateway /"},
	{"the API is no other service", request{"POST", "/", "a1b2c3.execute-api.us-east-1.amazonaws.com",
		signedFor("dynamodb")}, 200, "gateway /"},
	{"@connections", request{"POST", "/prod/@connections/eHr%3D",
		"a1b2c3.execute-api.us-east-1.amazonaws.com", anySignature()}, 200, "management /prod/@connections/eHr%3D"},
	{"@connections, FIPS, dual stack", request{"GET", "/prod/@connections/x",
		"a1b2c3.execute-api-fips.us-east-1.api.aws", anySignature()}, 200, "management"},
	{"@connections, unsigned", request{"POST", "/prod/@connections/x",
		"a1b2c3.execute-api.us-east-1.amazonaws.com", nil}, 403, "Missing Authentication Token"},
	{"AWS's names have no pages of the stack",
		request{"GET", "/_localstack/health", "a1b2c3.execute-api.us-east-1.amazonaws.com", nil}, 200,
		"gateway /_localstack/health"},

	{"an upgrade() by a custom domain", request{"GET", "/", "ws.example.com", upgrade()}, 200, "gateway /"},
	{"@connections by a custom domain",
		request{"POST", "/@connections/x", "WS.example.com:443", anySignature()}, 200, "management /@connections/x"},
	{"@connections below a base path", request{"POST", "/v1/team/@connections/x", "ws.example.com",
		anySignature()}, 200, "management /v1/team/@connections/x"},
	{"below a custom domain", request{"GET", "/", "a.ws.example.com", upgrade()}, 403, "a.ws.example.com"},

	{"another service", request{"POST", "/", "sqs.us-east-1.amazonaws.com", anySignature()}, 403,
		"sqs.us-east-1.amazonaws.com"},
	{"a customer's load balancer", request{"POST", "/", "dynamodb.us-east-1.elb.amazonaws.com",
		anySignature()}, 403, "elb"},
	{"a customer's machine", request{"POST", "/", "ec2-1-2-3-4.us-east-1.compute.amazonaws.com",
		anySignature()}, 403, "compute"},
	{"a customer's bucket", request{"POST", "/", "kms.us-east-1.s3.amazonaws.com", anySignature()}, 403, "s3"},
	{"no region", request{"POST", "/", "kms.amazonaws.com", anySignature()}, 403, "kms.amazonaws.com"},
	{"a name with the same ending", request{"POST", "/", "kms.us-east-1.evilamazonaws.com", anySignature()}, 403,
		"evilamazonaws"},
	{"a name with the same beginning", request{"POST", "/", "kms.us-east-1.amazonaws.com.evil.example",
		anySignature()}, 403, "evil"},
}

func TestHostNamesSelectServices(t *testing.T) {
	s := allServices()
	s.Domains = []string{"ws.example.com"}
	_, server := start(t, s)
	for _, c := range hostNameTests {
		t.Run(c.name, func(t *testing.T) {
			response, body := do(t, server, c.request)
			if response.StatusCode != c.status || !strings.Contains(body, c.text) {
				t.Errorf("got %d %s, want %d with %q", response.StatusCode, body, c.status, c.text)
			}
		})
	}
}

func TestEnvironmentOfFunctions(t *testing.T) {
	env := edge.Access{
		Address:    "192.0.2.7:4566",
		CAFile:     "/data/ca.pem",
		BundleFile: "/data/bundle.pem",
		Direct:     []string{"recorder.example"},
	}.Environment("app-send-1")
	want := map[string]string{
		"HTTPS_PROXY": "http://app-send-1:local@192.0.2.7:4566", "HTTP_PROXY": "http://app-send-1:local@192.0.2.7:4566",
		"NO_PROXY":      "127.0.0.1,192.0.2.7,::1,localhost,recorder.example",
		"SSL_CERT_FILE": "/data/bundle.pem", "NODE_EXTRA_CA_CERTS": "/data/ca.pem",
	}
	switch runtime.GOOS {
	case "windows":
		want["AWS_CA_BUNDLE"] = "/data/bundle.pem"
	case "darwin":
		want["AWS_CA_BUNDLE"] = "/data/bundle.pem"
		fallthrough
	default:
		for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"} {
			want[strings.ToLower(name)] = want[name]
		}
	}
	for name, value := range want {
		if env[name] != value {
			t.Errorf("%s: got %q, want %q", name, env[name], value)
		}
	}
	if len(env) != len(want) {
		t.Errorf("got variables %v, want only those of %v", env, want)
	}
}
