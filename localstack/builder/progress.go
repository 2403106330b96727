package builder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// quiet is how long a step may take before a line reports it.
const quiet = time.Second

// reporter prints lines about slow steps, one at a time.
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

// step prints a line about the targets after the quiet time, unless done was
// called before. Then done prints a line about the end, with the targets that
// failed.
func (r *reporter) step(ctx context.Context, targets []Target) (done func(failed []Target)) {
	start := time.Now()
	timer := time.AfterFunc(quiet, func() { r.line("building %s", describe(targets)) })
	return func(failed []Target) {
		if timer.Stop() {
			return
		}
		took := time.Since(start).Seconds()
		switch {
		case ctx.Err() != nil:
			r.line("interrupted building %s after %.1f s", describe(targets), took)
		case len(failed) > 0:
			r.line("could not build %s in %.1f s", describe(failed), took)
		default:
			r.line("built %s in %.1f s", describe(targets), took)
		}
	}
}

// few is up to how many functions a line names; it counts more.
const few = 3

// describe names the targets, or counts them.
func describe(targets []Target) string {
	if len(targets) > few {
		return fmt.Sprintf("%d functions", len(targets))
	}
	list := make([]string, 0, len(targets))
	for _, t := range targets {
		list = append(list, t.Name)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
