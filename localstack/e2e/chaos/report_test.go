package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// killKinds are the faults that kill an instance.
var killKinds = []string{"lambda.kill-before", "lambda.kill-during", "lambda.kill-after",
	"lambda.lose-response", "lambda.kill-now"}

// report logs the figures of a run.
func (c *chaos) report(t *testing.T) {
	t.Helper()
	did := map[kind][2]int{} // answered, not answered
	for _, o := range c.history.operations {
		d := did[o.Kind]
		if o.answered() {
			d[0]++
		} else {
			d[1]++
		}
		did[o.Kind] = d
	}
	cuts, restarts, connections := 0, 0, 0
	for _, w := range c.writers {
		cuts, restarts, connections = cuts+w.proxy.cuts, restarts+w.restarts, connections+w.proxy.count
	}
	for _, r := range c.readers {
		cuts, connections = cuts+r.drops, connections+r.proxy.count
	}
	struck := maps.Clone(c.nemesis.struck)
	for kind, times := range c.nemesis.current {
		struck[kind] += times
	}
	total, killed := uint64(0), uint64(0)
	for kind, times := range struck {
		total += times
		if slices.Contains(killKinds, kind) {
			killed += times
		}
	}
	line := func(what, format string, args ...any) {
		t.Helper()
		t.Logf("%-18s %s", what, fmt.Sprintf(format, args...))
	}
	t.Logf("chaos with seed %d, %v of load:", c.seed, c.lasted.Round(time.Second))
	for _, k := range []struct {
		kind kind
		name string
	}{{kindSend, "sends"}, {kindRead, "pages read"}, {kindHead, "heads asked"}, {kindRotate, "key rotations"}} {
		line(k.name, "%d answered, %d unanswered", did[k.kind][0], did[k.kind][1])
	}
	line("server keys", "%d rotations, of which %d failed", c.nemesis.rotations, c.nemesis.refused)
	line("connections", "%d, of which %d dropped by clients; %d client restarts", connections, cuts, restarts)
	line("faults", "%d: %s", total, counts(struck))
	line("instances killed", "%d", killed)
	line("stack restarts", "%d by kill -9", c.nemesis.restarts)
	line("replays", "%s", counts(c.mallory.answers))
	line("messages", "%d acknowledged, %d lost, %d unanswered", c.found.acked, c.found.lost, c.found.unanswered)
	line("plaintext", "searched in %.1f MB", float64(c.found.searched)/1e6)
	line("linearizable", "%d of %d partitions, with %d operations, decided in %v",
		c.found.partitions-c.found.undecided, c.found.partitions, c.found.operations,
		c.found.checkTime.Round(time.Millisecond))
	if n := len(c.problems); n > 0 {
		line("verdict", "FAILED with %d problems", n)
	} else {
		line("verdict", "no problem found")
	}
}

// counts formats counters, the largest first.
func counts[N int | uint64](m map[string]N) string {
	names := slices.SortedFunc(maps.Keys(m),
		func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %d", cmp.Or(name, "none"), m[name]))
	}
	return strings.Join(parts, ", ")
}
