package builder_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sotto-chat/sotto/localstack/builder"
)

// A full disk is reported once, not once for each function.
func TestFullDiskIsReportedOnce(t *testing.T) {
	out := t.TempDir()
	if err := syscall.Mount("tmpfs", out, "tmpfs", 0, "size="+strconv.Itoa(256<<10)); err != nil {
		t.Skipf("mounting a small file system needs permission: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(out, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	module := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(module, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.test/full\n\ngo 1.24\n")
	var targets []builder.Target
	for i := range 4 {
		name := fmt.Sprintf("f%d", i)
		write(name+"/main.go", "package main\n\nfunc main() { println(\""+name+"\") }\n")
		targets = append(targets, builder.Target{
			Name:   name,
			Dir:    filepath.Join(module, name),
			Method: builder.MethodGo,
		})
	}
	_, err := builder.Build(t.Context(), out, targets, nil)
	if err == nil || !strings.Contains(err.Error(), "the disk is full") ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one sentence about the full disk", err)
	}
}
