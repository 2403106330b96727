package edge

import (
	"net/http"
	"strings"
)

// service is one of those that may stand behind the edge.
type service struct {
	title    string // for people
	resource string // what in a template brings it
	unsigned int    // the status of its answer to a request without Authorization
}

// The statuses are those that the services themselves give: the JSON protocols
// 400, the REST ones 403.
var (
	dynamoDB             = service{"DynamoDB", "table", http.StatusBadRequest}
	kms                  = service{"KMS", "key", http.StatusBadRequest}
	lambda               = service{"Lambda", "function", http.StatusForbidden}
	apiGateway           = service{"API Gateway", "WebSocket API", http.StatusForbidden}
	apiGatewayManagement = service{"The API Gateway management API", "WebSocket API", http.StatusForbidden}
)

// present ends the answers to requests for what is never here.
const present = "This stack serves dynamodb, kms, lambda and execute-api (@connections)."

// signingNames are the services as SigV4 credential scopes name them.
var signingNames = map[string]service{
	"dynamodb":    dynamoDB,
	"kms":         kms,
	"lambda":      lambda,
	"execute-api": apiGatewayManagement,
}

// targets are the services as X-Amz-Target names them.
var targets = map[string]service{
	"DynamoDB_20120810":        dynamoDB,
	"DynamoDBStreams_20120810": dynamoDB,
	"TrentService":             kms,
}

// targetService tells whose the request to / is: by the target, or by the
// signing name if the target is missing, in which case the service itself says
// so.
func targetService(r *http.Request, signingName string) service {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		name, _, _ := strings.Cut(target, ".")
		return targets[name]
	}
	return signingNames[signingName]
}

// isOther reports whether a signing name is of a service that is never here.
// S3, for one, has paths that look like stages.
func isOther(signingName string) bool {
	_, ok := signingNames[signingName]
	return signingName != "" && !ok
}

// isManagement reports whether a clean path is of the management API:
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
