package lambda

import (
	"net/http"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// absentOperations are the operations of Lambda that this service does not
// have, by method and path: without the version in the path, and with * in
// place of names (API reference).
var absentOperations = map[string]string{
	"POST functions":                             "CreateFunction",
	"DELETE functions/*":                         "DeleteFunction",
	"PUT functions/*/configuration":              "UpdateFunctionConfiguration",
	"PUT functions/*/code":                       "UpdateFunctionCode",
	"GET functions/*/policy":                     "GetPolicy",
	"POST functions/*/policy":                    "AddPermission",
	"DELETE functions/*/policy/*":                "RemovePermission",
	"POST functions/*/versions":                  "PublishVersion",
	"POST functions/*/aliases":                   "CreateAlias",
	"PUT functions/*/aliases/*":                  "UpdateAlias",
	"DELETE functions/*/aliases/*":               "DeleteAlias",
	"GET functions/*/event-invoke-config":        "GetFunctionEventInvokeConfig",
	"PUT functions/*/event-invoke-config":        "PutFunctionEventInvokeConfig",
	"POST functions/*/event-invoke-config":       "UpdateFunctionEventInvokeConfig",
	"DELETE functions/*/event-invoke-config":     "DeleteFunctionEventInvokeConfig",
	"GET functions/*/provisioned-concurrency":    "GetProvisionedConcurrencyConfig",
	"PUT functions/*/provisioned-concurrency":    "PutProvisionedConcurrencyConfig",
	"DELETE functions/*/provisioned-concurrency": "DeleteProvisionedConcurrencyConfig",
	"GET functions/*/code-signing-config":        "GetFunctionCodeSigningConfig",
	"PUT functions/*/code-signing-config":        "PutFunctionCodeSigningConfig",
	"DELETE functions/*/code-signing-config":     "DeleteFunctionCodeSigningConfig",
	"GET functions/*/runtime-management-config":  "GetRuntimeManagementConfig",
	"PUT functions/*/runtime-management-config":  "PutRuntimeManagementConfig",
	"GET functions/*/recursion-config":           "GetFunctionRecursionConfig",
	"PUT functions/*/recursion-config":           "PutFunctionRecursionConfig",
	"GET functions/*/url":                        "GetFunctionUrlConfig",
	"POST functions/*/url":                       "CreateFunctionUrlConfig",
	"PUT functions/*/url":                        "UpdateFunctionUrlConfig",
	"DELETE functions/*/url":                     "DeleteFunctionUrlConfig",
	"GET functions/*/urls":                       "ListFunctionUrlConfigs",
	"GET event-source-mappings":                  "ListEventSourceMappings",
	"POST event-source-mappings":                 "CreateEventSourceMapping",
	"GET event-source-mappings/*":                "GetEventSourceMapping",
	"PUT event-source-mappings/*":                "UpdateEventSourceMapping",
	"DELETE event-source-mappings/*":             "DeleteEventSourceMapping",
	"GET layers":                                 "ListLayers",
	"GET layers/*/versions":                      "ListLayerVersions",
	"POST layers/*/versions":                     "PublishLayerVersion",
	"GET layers/*/versions/*":                    "GetLayerVersion",
	"DELETE layers/*/versions/*":                 "DeleteLayerVersion",
	"GET layers/*/versions/*/policy":             "GetLayerVersionPolicy",
	"POST layers/*/versions/*/policy":            "AddLayerVersionPermission",
	"DELETE layers/*/versions/*/policy/*":        "RemoveLayerVersionPermission",
	"GET tags/*":                                 "ListTags",
	"POST tags/*":                                "TagResource",
	"DELETE tags/*":                              "UntagResource",
	"GET code-signing-configs":                   "ListCodeSigningConfigs",
	"POST code-signing-configs":                  "CreateCodeSigningConfig",
	"GET code-signing-configs/*":                 "GetCodeSigningConfig",
	"PUT code-signing-configs/*":                 "UpdateCodeSigningConfig",
	"DELETE code-signing-configs/*":              "DeleteCodeSigningConfig",
	"GET code-signing-configs/*/functions":       "ListFunctionsByCodeSigningConfig",
}

// absentOperation returns the name of the operation that a request of the
// Lambda API asks for and this service does not have, or its method and path if
// it is not one of Lambda's.
func absentOperation(r *http.Request) string {
	_, rest, _ := strings.Cut(strings.Trim(r.URL.EscapedPath(), "/"), "/") // without the version
	segments := strings.Split(rest, "/")
	for i := 1; i < len(segments); i += 2 {
		segments[i] = "*"
	}
	if name := absentOperations[r.Method+" "+strings.Join(segments, "/")]; name != "" {
		return name
	}
	return r.Method + " " + r.URL.Path
}

// serveAbsent refuses an operation that this service does not have. The trace
// has each request, the log the first of each operation.
func (s *Service) serveAbsent(w http.ResponseWriter, r *http.Request) {
	refusal := absent(r)
	requestID := awsname.NewRequestID()
	caller := trace.CallerOf(r.Context())
	name := absentOperation(r)
	if _, known := s.refused.LoadOrStore(name, true); !known {
		s.log.Warn("operation refused", "operation", name, "request", requestID, "function", caller.Function,
			"err", refusal)
	}
	s.opt.Trace.Trace(trace.Event{
		Kind:       trace.Request,
		At:         time.Now(),
		RequestID:  requestID,
		Operation:  name,
		Function:   caller.Function,
		Invocation: caller.Invocation,
		Status:     refusal.Status,
		Error:      refusal.Code,
	})
	w.Header().Set("X-Amzn-RequestId", requestID)
	writeError(w, refusal)
}

// absent refuses an operation that this service does not have.
func absent(r *http.Request) *Error {
	return &Error{
		Code:    "UnknownOperationException",
		Status:  http.StatusNotFound,
		Message: absentOperation(r) + " is not supported by the local Lambda service",
	}
}
