package e2e

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// With -endpoint the tests use a service that already runs: another local
// stack, an emulator, AWS. Tests that stop processes or read their logs or data
// folder are then skipped. Tests that call the AWS APIs are skipped unless
// -aws-endpoint gives their address.
var (
	endpointFlag    = flag.String("endpoint", "", "test the service at this WebSocket `URL` (ws:// or wss://)")
	awsEndpointFlag = flag.String("aws-endpoint", "", "the `URL` of the AWS APIs of that service (AWS_ENDPOINT_URL)")
)

// firstRun is the first value of runs. It is part of the names of openClients,
// which are the same in all tests.
var firstRun int64

// isRemote reports whether the tests use a service that they did not start.
func isRemote() bool { return *endpointFlag != "" }

// remoteStack returns the service that -endpoint names.
func remoteStack() (*stack, error) {
	u, err := url.Parse(*endpointFlag)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return nil, fmt.Errorf("-endpoint %s is not a ws:// or wss:// URL", *endpointFlag)
	}
	// Users and rooms stay in the service's database, so every run needs new
	// names.
	firstRun = time.Now().Unix() % 10_000_000 * 1000
	runs.Store(firstRun)
	return &stack{
		template:  filepath.Join(root, "template.yaml"),
		webSocket: *endpointFlag,
		url:       strings.TrimSuffix(*awsEndpointFlag, "/"),
		address:   u.Host,
		stdout:    new(output),
		stderr:    new(output),
	}, nil
}

// needsProcess skips the test if the stack is remote, since the test has to
// stop it or read its logs.
func needsProcess(t testing.TB) {
	t.Helper()
	if isRemote() {
		t.Skip("needs a stack that the test starts; not possible with -endpoint")
	}
}

// needsAPIs skips the test if the address of the AWS APIs is not known.
func needsAPIs(t testing.TB, s *stack) {
	t.Helper()
	if s.url == "" {
		t.Skip("needs the AWS APIs: -aws-endpoint URL")
	}
}

// ownStackCommands matches the lines of a script that start a stack or run
// localstack.
var ownStackCommands = regexp.MustCompile(`(?m)^(! )?(stack|localstack|functions) `)

// apiCommands matches the parts of a script that call the AWS APIs.
var apiCommands = regexp.MustCompile(`(?m)^(! )?tables$|^(! )?exec aws |\$AWS_ENDPOINT_URL|\$ADDRESS`)

// skipScript skips a script that cannot run on a remote service.
func skipScript(e *testscript.Env, s *stack) error {
	if !isRemote() {
		return nil
	}
	name := strings.TrimPrefix(filepath.Base(e.WorkDir), "script-")
	text, err := os.ReadFile(filepath.Join("testdata", "script", name+".txtar"))
	switch {
	case err != nil:
		return err
	case ownStackCommands.Match(text):
		e.T().Skip("starts its own stack; not possible with -endpoint")
	case s.url == "" && apiCommands.Match(text):
		e.T().Skip("needs the AWS APIs: -aws-endpoint URL")
	}
	return nil
}

// apis returns the address of the AWS APIs, or skips the test.
func (s *stack) apis(t testing.TB) string {
	t.Helper()
	needsAPIs(t, s)
	return s.url
}
