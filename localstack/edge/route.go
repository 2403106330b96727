package edge

import (
	"net/http"
	"strings"
)

// service is a service that the stack can have.
type service struct {
	title    string // in messages
	resource string // the resource of a template that needs the service
	unsigned int    // HTTP status for a request without a signature
}

// AWS answers unsigned requests with 400 in the JSON protocols and with 403 in
// the REST ones.
var (
	dynamoDB             = service{"DynamoDB", "table", http.StatusBadRequest}
	kms                  = service{"KMS", "key", http.StatusBadRequest}
	lambda               = service{"Lambda", "function", http.StatusForbidden}
	apiGateway           = service{"API Gateway", "WebSocket API", http.StatusForbidden}
	apiGatewayManagement = service{"The API Gateway management API", "WebSocket API", http.StatusForbidden}
)

// servedServices ends the answers to requests for other services.
const servedServices = "This stack serves dynamodb, kms, lambda and execute-api (@connections)."

// signingNames has the services by their name in SigV4 credential scopes.
var signingNames = map[string]service{
	"dynamodb":    dynamoDB,
	"kms":         kms,
	"lambda":      lambda,
	"execute-api": apiGatewayManagement,
}

// targets has the services by the prefix of X-Amz-Target.
var targets = map[string]service{
	"DynamoDB_20120810":        dynamoDB,
	"DynamoDBStreams_20120810": dynamoDB,
	"TrentService":             kms,
}

// targetService returns the service that a request to / is for: by the target,
// or by the signing name if there is no target. In that case the service itself
// refuses the request. The zero service means that neither is known.
func targetService(r *http.Request, signingName string) service {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		name, _, _ := strings.Cut(target, ".")
		return targets[name]
	}
	return signingNames[signingName]
}

// isOtherService reports whether a signing name belongs to a service that the
// stack never has. It is checked before the path, because the paths of S3 look
// like stages.
func isOtherService(signingName string) bool {
	_, ok := signingNames[signingName]
	return signingName != "" && !ok
}

// isTarget reports whether a request with a clean path is one of a JSON
// protocol, whose X-Amz-Target says which service it is for.
func isTarget(r *http.Request, p string) bool { return p == "/" && r.Method == http.MethodPost }

// isLambda reports whether a request with a clean path is for Lambda: it is
// signed for it, or the path is that of Invoke. Other paths of Lambda begin
// with other dates; a stage may have such a name.
func isLambda(p, signingName string) bool {
	return strings.HasPrefix(p, "/2015-03-31/") || signingName == "lambda"
}

// isManagement reports whether a clean path belongs to the management API:
// /@connections/… or /{stage}/@connections/….
func isManagement(p string) bool {
	const segment = "/@connections"
	rest, ok := strings.CutPrefix(p, segment)
	if !ok {
		stage := strings.IndexByte(p[1:], '/')
		if stage < 0 {
			return false
		}
		if rest, ok = strings.CutPrefix(p[1+stage:], segment); !ok {
			return false
		}
	}
	return rest == "" || rest[0] == '/'
}
