package lambda_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// copyBinary copies the test function to a new folder below dir.
func copyBinary(t *testing.T, dir string) string {
	t.Helper()
	dir, err := os.MkdirTemp(dir, "lambda-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	code, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "bootstrap")
	if err := os.WriteFile(path, code, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// On AWS a function can write below /tmp only, so not to its own code.
func TestD4_9_CodeIsReadOnly(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has Landlock")
	}
	code := copyBinary(t, "/var/tmp") // not below the temporary folder, which functions may change
	st := serve(t, nil, lambda.Function{Name: "f", Binary: code})
	if value[string](t, st.invoke(t, "f", event{Do: "write", File: "probe"})) == "" &&
		!strings.Contains(kernelSecurity(), "landlock") {
		t.Skip("this kernel has no Landlock")
	}
	for _, file := range []string{"new", "bootstrap", filepath.Join(filepath.Dir(code), "other"), "/var/tmp/other"} {
		if got := value[string](t, st.invoke(t, "f", event{Do: "write", File: file})); got == "" {
			t.Errorf("write %s: got no error, want one", file)
		}
	}
	for _, ev := range []event{
		{Do: "write", Text: "temporary", File: "a", N: 10},
		{Do: "write", File: filepath.Join(t.TempDir(), "a")},
		{Do: "write", File: os.DevNull},
	} {
		if got := value[string](t, st.invoke(t, "f", ev)); got != "" {
			t.Errorf("write %s: %s", ev.File, got)
		}
	}
	if entries, _ := os.ReadDir(filepath.Dir(code)); len(entries) != 1 {
		t.Errorf("got %d files beside the code, want 1", len(entries))
	}
}

// kernelSecurity returns the names of the kernel's security modules.
func kernelSecurity() string {
	text, err := os.ReadFile("/sys/kernel/security/lsm")
	if err != nil {
		return ""
	}
	return string(text)
}

func TestD4_9_TemporaryFilesAreLimited(t *testing.T) {
	st := serve(t, nil, function("small"), function("big", func(fn *lambda.Function) { fn.StorageMB = 1024 }))
	ev := event{Do: "write", Text: "temporary", File: "a", N: 513 << 20}
	value[string](t, st.invoke(t, "big", ev))
	result := st.invoke(t, "small", ev)
	if result.FunctionError != "Unhandled" || !strings.Contains(string(result.Payload), "no space left on device") {
		t.Errorf("513 MB of files: got %s, want no space left", result.Payload)
	}
	if !strings.Contains(st.log.String(), "EphemeralStorage") {
		t.Error("the log does not name EphemeralStorage")
	}
	value[string](t, st.invoke(t, "small", event{Do: "write", Text: "temporary", File: "b", N: 1}))
	for mb, ok := range map[int]bool{511: false, 512: true, 10240: true, 10241: false} {
		fn := function("f", func(fn *lambda.Function) { fn.StorageMB = mb })
		if _, err := st.Prepare([]lambda.Function{fn}, nil); (err == nil) != ok {
			t.Errorf("%d MB: got %v, want success %v", mb, err, ok)
		}
	}
}
