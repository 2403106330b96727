package build

import (
	"fmt"
	"sync"
	"time"
)

// quiet is how long a step may take before it is worth a line of its own.
const quiet = time.Second

// reporter passes lines about slow steps on, one at a time.
type reporter struct {
	mu    sync.Mutex
	print func(string)
}

func (r *reporter) line(format string, args ...any) {
	if r.print == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.print(fmt.Sprintf(format, args...))
}

// step announces what after the quiet time unless the returned function was
// called by then; that function reports the end of what was announced.
func (r *reporter) step(what string) (done func(ok bool)) {
	start := time.Now()
	timer := time.AfterFunc(quiet, func() { r.line("building %s", what) })
	return func(ok bool) {
		if timer.Stop() {
			return
		}
		result := "built"
		if !ok {
			result = "could not build"
		}
		r.line("%s %s in %.1f s", result, what, time.Since(start).Seconds())
	}
}
