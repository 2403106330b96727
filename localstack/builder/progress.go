package builder

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// quiet is how long a step may take before a line reports it.
	quiet = time.Second
	// heartbeat is how often a line reports a step that is still running. A
	// first build compiles hundreds of packages, which takes minutes on a slow
	// machine.
	heartbeat = 10 * time.Second
)

// reporter prints lines about slow steps, one at a time.
type reporter struct {
	mu    sync.Mutex
	print func(string)
	every time.Duration // between two lines about the same step
}

func (r *reporter) line(format string, args ...any) {
	if r.print == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.print(fmt.Sprintf(format, args...))
}

// step is a part of a build that may be slow.
type step struct {
	reporter *reporter
	targets  []Target
	start    time.Time
	first    *time.Timer // prints the first line
	end      chan struct{}
	idle     sync.WaitGroup

	downloaded, compiled atomic.Int64 // modules and packages, by the go command
}

// step begins a step. It prints a line about the targets after the quiet time,
// unless the step has ended, and then one in every interval.
func (r *reporter) step(targets []Target) *step {
	s := &step{reporter: r, targets: targets, start: time.Now(), end: make(chan struct{})}
	s.idle.Add(1)
	s.first = time.AfterFunc(quiet, func() {
		defer s.idle.Done()
		r.line("building %s", describe(targets))
		for {
			select {
			case <-time.After(r.every):
				r.line("still building %s after %.0f s%s", describe(targets), time.Since(s.start).Seconds(), s.counts())
			case <-s.end:
				return
			}
		}
	})
	return s
}

// counts says what the go command has done so far.
func (s *step) counts() string {
	var b strings.Builder
	for _, c := range []struct {
		n          int64
		noun, done string
	}{{s.downloaded.Load(), "module", "downloaded"}, {s.compiled.Load(), "package", "compiled"}} {
		switch {
		case c.n == 1:
			fmt.Fprintf(&b, ", 1 %s %s", c.noun, c.done)
		case c.n > 1:
			fmt.Fprintf(&b, ", %d %ss %s", c.n, c.noun, c.done)
		}
	}
	return b.String()
}

// done ends the step. It prints a line with the targets that failed if there
// was a line about the beginning.
func (s *step) done(ctx context.Context, failed []Target) {
	if s.first.Stop() {
		return
	}
	close(s.end)
	s.idle.Wait()
	r, took := s.reporter, time.Since(s.start).Seconds()
	switch {
	case ctx.Err() != nil:
		r.line("interrupted building %s after %.1f s", describe(s.targets), took)
	case len(failed) > 0:
		r.line("could not build %s in %.1f s", describe(failed), took)
	default:
		r.line("built %s in %.1f s", describe(s.targets), took)
	}
}

// goProgress takes the output of `go build -v`: it counts the lines about
// packages and downloads and passes the others, which are errors, on.
type goProgress struct {
	step    *step
	errors  *bytes.Buffer
	partial []byte // a line whose end has not come yet
}

func (p *goProgress) Write(text []byte) (int, error) {
	p.partial = append(p.partial, text...)
	for {
		line, rest, whole := bytes.Cut(p.partial, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		p.line(string(line) + "\n")
		p.partial = rest
	}
}

// packageLine matches an import path alone, which errors are not.
var packageLine = regexp.MustCompile(`^[\pL\pN._~/+-]+\n$`)

func (p *goProgress) line(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		p.step.downloaded.Add(1)
	case packageLine.MatchString(line):
		p.step.compiled.Add(1)
	default:
		p.errors.WriteString(line)
	}
}

// finish passes on a last line without an end.
func (p *goProgress) finish() { p.errors.Write(p.partial) }

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
