package chaos

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

var (
	seedFlag    = flag.String("seed", "7", "the `seed` of the schedule: a number, or random")
	minutesFlag = flag.Float64("minutes", 1.0/3, "how long the load lasts")
)

const (
	writers = 5
	readers = 2
	// convergeTimeout is how long clients may take, after the last fault, until
	// they have seen every message.
	convergeTimeout = 2 * time.Minute
	// replaysAfter is how many frames are replayed after the last fault, when
	// every answer comes from the service.
	replaysAfter = 20
)

// rooms are the rooms that all users are members of.
var rooms = []chat.Room{chat.Lobby, "den"}

// TestChaos breaks the stack while users chat, for -minutes and with -seed, and
// checks what they saw. `make chaos` runs it.
func TestChaos(t *testing.T) {
	seed, err := strconv.ParseUint(*seedFlag, 10, 64)
	if *seedFlag == "random" {
		seed, err = rand.Uint64()>>32, nil // short enough to type
	}
	if err != nil {
		t.Fatalf("-seed: %v", err)
	}
	duration := time.Duration(*minutesFlag * float64(time.Minute))
	t.Logf("chaos with seed %d for %v", seed, duration)
	c, err := prepare(t, seed)
	if err != nil {
		t.Fatal(err)
	}
	if err = c.run(t.Context(), duration); err == nil {
		err = c.check()
	}
	c.report(t)
	if err == nil && len(c.problems) == 0 {
		return
	}
	t.Errorf("found %d problems, want none (error: %v)", len(c.problems), err)
	for i, w := range c.problems {
		if i == 20 {
			t.Errorf("… and %d more", len(c.problems)-i)
			break
		}
		t.Error(w)
	}
	kept, err := c.keep()
	t.Errorf("the history and the stack's log are in %s (error: %v)", kept, err)
	t.Errorf("to run it again: make chaos SEED=%d MINUTES=%v", seed, *minutesFlag)
}

// chaos is one run.
type chaos struct {
	seed    uint64
	stack   *stack
	history *history
	nemesis *nemesis
	writers []*writer
	readers []*reader
	mallory *mallory

	lasted   time.Duration // of the load
	logs     []view        // of each room, as read at the end
	problems []string
	found    findings
}

// findings are the figures of the checks.
type findings struct {
	acked, lost, unanswered int
	partitions, operations  int
	undecided               int // partitions not shown to be linearizable
	checkTime               time.Duration
	searched                int // bytes
}

// randomSource returns the n-th random source of the seed.
func (c *chaos) randomSource(n int) *rand.Rand { return rand.New(rand.NewPCG(c.seed, uint64(n))) }

// prepare starts a stack and connects all participants.
func prepare(t *testing.T, seed uint64) (*chaos, error) {
	s, err := newStack(t.TempDir())
	if err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	t.Cleanup(s.kill)
	c := &chaos{seed: seed, stack: s}
	// The marker does not depend on the seed: who knows the seed must not know
	// the texts.
	c.history = newHistory(fmt.Sprintf("secret%016x%016x", rand.Uint64(), rand.Uint64()))
	c.nemesis = &nemesis{stack: s, random: c.randomSource(0)}
	for i := range writers {
		w, err := newWriter(c.history, chat.User(fmt.Sprintf("writer-%d", i+1)), s.webSocket, rooms,
			c.randomSource(1+i))
		if err != nil {
			return nil, err
		}
		c.writers = append(c.writers, w)
		t.Cleanup(w.close)
		if err := w.enter(t.Context()); err != nil {
			return nil, err
		}
	}
	for i := range readers {
		r, err := newReader(c.history, chat.User(fmt.Sprintf("reader-%d", i+1)), s.webSocket, rooms,
			c.randomSource(100+i))
		if err != nil {
			return nil, err
		}
		c.readers = append(c.readers, r)
		t.Cleanup(r.proxy.close)
		if err := r.join(t.Context()); err != nil {
			return nil, err
		}
	}
	c.mallory, err = newMallory(c.history, s.webSocket, c.writers, c.randomSource(200))
	if err != nil {
		return nil, err
	}
	t.Cleanup(c.mallory.proxy.close)
	return c, nil
}

// run runs the load and the faults, ends everything in progress by a last kill
// -9, and waits until every client has seen all messages.
func (c *chaos) run(ctx context.Context, duration time.Duration) error {
	began := time.Now()
	load, end := context.WithTimeout(ctx, duration)
	defer end()
	all, load := errgroup.WithContext(load)
	all.Go(func() error { return c.nemesis.run(load) })
	for _, w := range c.writers {
		all.Go(func() error { return w.chat(load) })
		all.Go(func() error { return w.restartWhenSlow(load) })
	}
	for _, r := range c.readers {
		all.Go(func() error { return r.read(load) })
	}
	all.Go(func() error { return c.mallory.replay(load) })
	if err := all.Wait(); err != nil {
		return err
	}
	c.lasted = time.Since(began)
	// After this restart no operation is in progress: what is not stored by now
	// never will be.
	if err := c.nemesis.restart(ctx); err != nil {
		return err
	}
	for range replaysAfter {
		c.mallory.once(ctx)
	}
	return c.converge(ctx)
}

// converge reads the logs with a new client, and waits until every writer has
// seen as much.
func (c *chaos) converge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, convergeTimeout)
	defer cancel()
	if err := c.audit(ctx); err != nil {
		return fmt.Errorf("read the logs at the end: %w", err)
	}
	for _, w := range c.writers {
		if err := w.restart(ctx); err != nil {
			return fmt.Errorf("restart the client of %s: %w", w.user, err)
		}
	}
	for _, log := range c.logs {
		for _, w := range c.writers {
			if !within(convergeTimeout, func() bool {
				return w.shown(log.room) >= len(log.texts) || ctx.Err() != nil
			}) || ctx.Err() != nil {
				c.problems = append(c.problems, fmt.Sprintf("%s has seen %d of the %d messages of %s after %v",
					w.user, w.shown(log.room), len(log.texts), log.room, convergeTimeout))
			}
		}
	}
	for _, w := range c.writers {
		w.leave()
	}
	return nil
}

// audit reads every room from its first message with a new client.
func (c *chaos) audit(ctx context.Context) error {
	w, err := newProxy(c.history, "auditor", c.stack.webSocket)
	if err != nil {
		return err
	}
	defer w.close()
	store := profile.Memory()
	auditor, err := client.Open(ctx, client.Options{URL: w.url, User: "auditor", Profile: store})
	if err != nil {
		return err
	}
	defer auditor.Close()
	user, err := userIn(store, w, "auditor")
	if err != nil {
		return err
	}
	keys, err := user.Device()
	if err != nil {
		return err
	}
	c.history.learnKeys(keys)
	for _, room := range rooms {
		state, err := auditor.Join(ctx, room)
		if err != nil {
			return err
		}
		s, err := auditor.Subscribe(room, 0)
		if err != nil {
			return err
		}
		log := view{who: "auditor", room: room}
		for chat.Seq(len(log.texts)) < state.Head {
			m, err := s.Next(ctx)
			if err != nil {
				return err
			}
			if m.Problem != nil || m.Seq != chat.Seq(len(log.texts)+1) {
				return fmt.Errorf("read %s: got seq %d, problem %v; want seq %d", room, m.Seq, m.Problem,
					len(log.texts)+1)
			}
			log.texts = append(log.texts, c.history.identify(m.Body))
		}
		c.logs = append(c.logs, log)
	}
	return nil
}

// check makes the four checks and the check for linearizability.
func (c *chaos) check() error {
	c.stack.kill()
	if err := c.stack.checkLog(); err != nil {
		return err
	}
	h := c.history
	c.problems = append(c.problems, h.violations...)
	var views []view
	for _, w := range c.writers {
		for _, v := range w.seen {
			views = append(views, *v)
		}
	}
	for _, log := range c.logs {
		problems, lost := lostOrDuplicated(log, views, h.operations)
		c.problems, c.found.lost = append(c.problems, problems...), c.found.lost+lost
	}
	for _, o := range h.operations {
		switch {
		case o.Kind != kindSend:
		case o.answered():
			c.found.acked++
		default:
			c.found.unanswered++
		}
	}
	seals, problems := h.seals(sendsByPlace(c.logs, h.operations))
	c.problems = append(c.problems, problems...)
	c.problems = append(c.problems, stale(seals, h.operations)...)
	if c.mallory.refusals() == 0 {
		c.problems = append(c.problems, fmt.Sprintf("got the answers %v to replays, want at least one refusal",
			c.mallory.answers))
	}
	problems, size, err := plaintext(c.stack.dir, h.marker, string(c.writers[0].user))
	if err != nil {
		return err
	}
	c.problems, c.found.searched = append(c.problems, problems...), size

	partitions := append(logPartitions(c.logs, h.operations), keyPartitions(seals, h.operations)...)
	for _, p := range partitions {
		c.found.operations += len(p.operations)
	}
	began := time.Now()
	problems = linearizable(partitions)
	c.problems, c.found.undecided = append(c.problems, problems...), len(problems)
	c.found.partitions, c.found.checkTime = len(partitions), time.Since(began)
	if c.found.acked == 0 || len(h.deliveries) == 0 {
		return errors.New("nothing was stored or delivered, so the run proves nothing")
	}
	return nil
}

// keep saves what is needed to analyse a failure. It contains no text, unless
// that is the failure.
func (c *chaos) keep() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "sotto-chaos-"); err != nil {
		return "", err
	}
	log, err := os.ReadFile(c.stack.logFile())
	return dir, errors.Join(err,
		os.WriteFile(filepath.Join(dir, "stack.log"), log, 0o600),
		c.history.save(filepath.Join(dir, "history.json")))
}
