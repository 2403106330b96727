package conventions

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logKeys are the attributes of log lines and their values. One idea has one
// key in the functions and in the stack, so that one grep finds all its lines.
// CONTRIBUTING.md explains the most common ones.
var logKeys = map[string]string{
	"err":        "an error",
	"connection": "an API Gateway connection id",
	"request":    "the request id of the service that logs",
	"invocation": "the Lambda request id that links the lines of one message",
	"function":   "a function's name",
	"route":      "a route key",
	"room":       "a room",
	"api":        "an API's id",
	"stage":      "a stage's name",
	"table":      "a table's name",
	"mapping":    "an event source mapping's UUID",
	"schedule":   "a schedule's name",
	"operation":  "an API operation, such as PutItem",
	"resource":   "what an operation names: a table, a key, an ARN",
	"code":       "an error code from a closed list",
	"status":     "an HTTP status",
	"closeCode":  "a WebSocket close code",
	"duration":   "how long it took",
	"bytes":      "a size in bytes",
	"seq":        "a message's number in its room",
	"fault":      "a fault that was switched on",
}

// ownLogKeys are further keys that one package needs.
var ownLogKeys = map[string][]string{
	"localstack":             {"line"},
	"localstack/eventsource": {"condition", "destination", "first", "invocations", "last", "records", "stream"},
	"localstack/fault":       {"id", "seed", "struck"},
	"localstack/iam":         {"action", "policy", "remedy"},
	"localstack/dynamodb":    {"readUnits", "writeUnits"},
	"shared/recovery":        {"stack"},
	"shared/room":            {"failed", "listeners"},
	"localstack/lambda":      {"attempts", "condition", "destination", "messageBytes"},
}

// loggers are the names under which the module keeps a *slog.Logger.
var loggers = []string{"log", "Log", "logger", "Logger", "slog"}

var keyForm = regexp.MustCompile(`^[a-z][a-zA-Z]*$`)

// logArguments is the index of the argument at which the attributes of a
// logging call begin.
var logArguments = map[string]int{
	"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "With": 0,
	"DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2, "Log": 3,
	// slog.String and the like: only the first argument is a key.
	"String": 0, "Int": 0, "Int64": 0, "Uint64": 0, "Float64": 0, "Bool": 0, "Any": 0, "Duration": 0, "Time": 0,
}

// unknownKeys returns the places where a file logs under keys that allowed
// refuses.
func unknownKeys(f sourceFile, allowed func(string) bool) (found []string) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		function, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains(loggers, lastName(function.X)) {
			return true
		}
		first, ok := logArguments[function.Sel.Name]
		if !ok {
			return true
		}
		for i := first; i < len(call.Args); {
			literal, ok := call.Args[i].(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				i++ // a slog.Attr, or a key that is computed
				continue
			}
			if key, err := strconv.Unquote(literal.Value); err != nil || !allowed(key) {
				found = append(found, fmt.Sprintf("%s: log key %s", f.position(literal.Pos()), literal.Value))
			}
			i += 2
		}
		return true
	})
	return found
}

// lastName returns log for log, s.log and s.opts.log.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// TestLogKeys wants the attributes of log lines to come from logKeys.
func TestLogKeys(t *testing.T) {
	goFiles(t, func(f sourceFile) {
		if strings.HasSuffix(f.path, "_test.go") {
			return
		}
		own := ownLogKeys[f.path[:strings.LastIndexByte(f.path, '/')]]
		found := unknownKeys(f, func(key string) bool {
			_, shared := logKeys[key]
			return keyForm.MatchString(key) && (shared || slices.Contains(own, key))
		})
		for _, line := range found {
			t.Error(line + " is not in logKeys; see CONTRIBUTING.md")
		}
	})
}

func TestLogKeysFindsOtherSpellings(t *testing.T) {
	const source = `package p

func f() {
	log.Info("text", "err", 1, "requestId", 2)
	s.log.Error("text", "error", 1)
	slog.String("connectionId", "c")
	t.Log("text", "error")
}
`
	f, err := parse("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	found := unknownKeys(f, func(key string) bool { _, ok := logKeys[key]; return ok })
	want := []string{
		`p.go:4:29: log key "requestId"`, `p.go:5:22: log key "error"`, `p.go:6:14: log key "connectionId"`,
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}
