package builder

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A step that goes on prints what it has done so far.
func TestHeartbeat(t *testing.T) {
	lines := make(chan string)
	r := &reporter{print: func(line string) { lines <- line }, every: time.Millisecond}
	s := r.step([]Target{{Name: "send"}})
	if got := <-lines; got != "building send" {
		t.Errorf("got %q, want building send", got)
	}
	var errs bytes.Buffer
	p := &goProgress{step: s, errors: &errs}
	const failed = "# example.com/app/send\nsend/main.go:3:15: undefined: printn"
	for _, part := range []string{
		"go: downloading github.com/aws/aws-lambda-go v1.55.1\nunicode/utf8\nexample.com/a", "pp/v2\n", failed,
	} {
		fmt.Fprint(p, part)
	}
	p.finish()
	if errs.String() != failed {
		t.Errorf("the errors are %q, want %q", errs.String(), failed)
	}
	const want = " s, 1 module downloaded, 2 packages compiled"
	for line := range lines {
		if strings.HasPrefix(line, "still building send after ") && strings.HasSuffix(line, want) {
			break
		}
	}
	go s.done(t.Context(), nil)
	for line := range lines {
		if strings.HasPrefix(line, "built send in ") {
			break
		}
	}
}
