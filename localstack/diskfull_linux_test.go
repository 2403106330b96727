package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// smallDisk returns a folder on a separate file system with size bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		t.Skipf("mounting a small file system needs permission: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

const tableTemplate = `
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties: {Description: test}
  Items:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: items
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
`

// writeTable writes the template of a table and a key, and returns its path.
func writeTable(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(tableTemplate), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// put writes an item with a value and reports whether it was confirmed.
func (p *process) put(t *testing.T, id, value string) bool {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"TableName": "items",
		"Item":      map[string]any{"id": map[string]string{"S": id}, "value": map[string]string{"S": value}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, "+
		"SignedHeaders=host, Signature=x")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// A full disk ends the stack with one sentence, and nothing that was confirmed
// is lost.
func TestFullDiskEndsTheStackInOneSentence(t *testing.T) {
	data := filepath.Join(smallDisk(t, 16<<20), "data")
	template := writeTable(t)
	p := startProcess(t, "-template", template, "-data", data)
	confirmed := 0
	for value := strings.Repeat("x", 300<<10); p.put(t, strconv.Itoa(confirmed), value); confirmed++ {
		if confirmed == 1000 {
			t.Fatal("1000 items of 300 KB fit on 16 MB, want a full disk")
		}
	}
	if code := p.wait(t).ExitCode(); code != exitFailed {
		t.Errorf("got the exit status %d, want %d", code, exitFailed)
	}
	text := p.stderr.String()
	if strings.Contains(text, "goroutine") || strings.Contains(text, "panic") || strings.Contains(text, "level=ERROR") {
		t.Errorf("got a trace:\n%s\nwant one sentence", text)
	}
	if n := strings.Count(text, "the disk is full"); n != 1 || !strings.Contains(text, data) ||
		!strings.Contains(text, "free some space") {
		t.Errorf("got %q, want one sentence that names %s and says what to do", text, data)
	}
	if confirmed == 0 {
		t.Error("no item was confirmed before the disk was full")
	}
}

// A disk that is full at the start is named too.
func TestFullDiskAtTheStart(t *testing.T) {
	dir := smallDisk(t, 64<<10)
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 52<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-template", writeTable(t), "-data", filepath.Join(dir, "data"),
		"-listen", "127.0.0.1:0"}, &stdout, &stderr)
	if text := stderr.String(); code != exitFailed || strings.Count(text, "the disk is full") != 1 {
		t.Errorf("got %d and %q, want %d and one sentence about the full disk", code, text, exitFailed)
	}
}
