package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// oldestNode is the oldest major version of Node that the SDK runs on.
const oldestNode = 20

// TestJavaScriptSDK runs testdata/js/suite.mjs, so that a second SDK, with its
// own serializer and error handling, is tested.
func TestJavaScriptSDK(t *testing.T) {
	script := installSDK(t)
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	name := newName()
	t.Cleanup(func() { // the script may have failed to
		call(context.Background(), t, "DeleteTable", `{"TableName":"`+name+`"}`)
	})
	cmd := exec.CommandContext(ctx, "node", script, target.url, target.region, name)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+target.keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+target.keys.SecretAccessKey,
		"AWS_SESSION_TOKEN="+target.keys.SessionToken, "AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("node: %v: %s", err, problems.String())
	}
	checks := 0
	for line := range strings.Lines(string(out)) {
		var check struct{ Name, Error string }
		if err := json.Unmarshal([]byte(line), &check); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		checks++
		t.Run(check.Name, func(t *testing.T) {
			if check.Error != "" {
				t.Error(check.Error)
			}
		})
	}
	if checks < 10 {
		t.Errorf("got %d checks, want 10 or more: %s", checks, problems.String())
	}
}

// installSDK installs the packages of testdata/js and the script next to them.
// It skips the test without a usable Node and npm.
func installSDK(t *testing.T) (script string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not on PATH; install Node %d or newer (https://nodejs.org) to test the JavaScript SDK",
				tool, oldestNode)
		}
	}
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestNode {
		t.Skipf("Node %s is too old for the JavaScript SDK, which needs %d or newer",
			strings.TrimSpace(string(version)), oldestNode)
	}
	modules := cachedModules(t)
	suite, err := os.ReadFile(filepath.Join("testdata", "js", "suite.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	// Node looks for modules in the folder of the script that imports them.
	script = filepath.Join(modules, fmt.Sprintf("suite-%x.mjs", sha256.Sum256(suite)))
	if err := os.WriteFile(script, suite, 0o644); err != nil {
		t.Fatal(err)
	}
	return script
}

// cachedModules installs the packages of package-lock.json into the user's
// cache, for this and later runs.
func cachedModules(t *testing.T) (dir string) {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join("testdata", "js", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	cache = filepath.Join(cache, "sotto-tests")
	dir = filepath.Join(cache, fmt.Sprintf("js-%x", sha256.Sum256(lock))[:20])
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(cache, "installing-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	if err := os.CopyFS(fresh, os.DirFS(filepath.Join("testdata", "js"))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline",
		"--loglevel=error")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		for _, sign := range []string{"ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT"} {
			if strings.Contains(string(out), sign) {
				t.Skipf("npm does not reach its registry (%s); this test needs it to install the JavaScript SDK", sign)
			}
		}
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // no concurrent run has installed it
			t.Fatal(err)
		}
	}
	return dir
}
