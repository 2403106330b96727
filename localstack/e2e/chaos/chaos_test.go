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
	seedFlag    = flag.String("seed", "7", "what decides the schedule: a number, or random")
	minutesFlag = flag.Float64("minutes", 1.0/3, "how long the load lasts")
)

const (
	writers = 5
	readers = 2
	// convergence is how long clients may take, once nothing is broken any
	// more, to have seen everything.
	convergence = 2 * time.Minute
	// replaysAfter is how many frames are replayed once nothing is broken, so
	// that the answers are the service's own.
	replaysAfter = 20
)

// rooms are where everybody is.
var rooms = []chat.Room{chat.Lobby, "den"}

// TestChaos breaks the stack for as long as it is told while users chat, and
// checks what they saw. `make chaos` runs it with a seed and a time.
func TestChaos(t *testing.T) {
	seed, err := strconv.ParseUint(*seedFlag, 10, 64)
	if *seedFlag == "random" {
		seed, err = rand.Uint64()>>32, nil // short enough to be typed
	}
	if err != nil {
		t.Fatalf("-seed: %v", err)
	}
	duration := time.Duration(*minutesFlag * float64(time.Minute))
	fmt.Printf("chaos with seed %d for %v\n", seed, duration)
	c, err := prepare(t, seed)
	if err != nil {
		t.Fatal(err)
	}
	if err = c.run(t.Context(), duration); err == nil {
		err = c.check()
	}
	c.report()
	if err == nil && len(c.wrong) == 0 {
		return
	}
	t.Errorf("it went wrong: %v", err)
	for i, w := range c.wrong {
		if i == 20 {
			t.Errorf("… and %d more", len(c.wrong)-i)
			break
		}
		t.Error(w)
	}
	kept, err := c.keep()
	t.Errorf("the history and the stack's log are in %s (%v)", kept, err)
	t.Errorf("to repeat it: make chaos SEED=%d MINUTES=%v", seed, *minutesFlag)
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

	lasted time.Duration // of the load
	logs   []view        // of each room, as who came last saw it
	wrong  []string
	found  findings
}

// findings are figures of the checks.
type findings struct {
	acked, lost, unanswered int
	partitions, operations  int
	undecided               int // partitions that are not linearizable, or may not be
	thinking                time.Duration
	searched                int // bytes
}

// chance makes the n-th source of chance of a seed.
func (c *chaos) chance(n int) *rand.Rand { return rand.New(rand.NewPCG(c.seed, uint64(n))) }

// prepare starts a stack and lets everybody enter.
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
	// The marker is not of the seed: whoever knows that must not know the
	// texts.
	c.history = newHistory(fmt.Sprintf("secret%016x%016x", rand.Uint64(), rand.Uint64()))
	c.nemesis = &nemesis{stack: s, chance: c.chance(0)}
	for i := range writers {
		w, err := newWriter(c.history, chat.User(fmt.Sprintf("writer-%d", i+1)), s.webSocket, rooms, c.chance(1+i))
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
		r, err := newReader(c.history, chat.User(fmt.Sprintf("reader-%d", i+1)), s.webSocket, rooms, c.chance(100+i))
		if err != nil {
			return nil, err
		}
		c.readers = append(c.readers, r)
		t.Cleanup(r.wire.close)
		if err := r.join(t.Context()); err != nil {
			return nil, err
		}
	}
	c.mallory, err = newMallory(c.history, s.webSocket, c.writers, c.chance(200))
	if err != nil {
		return nil, err
	}
	t.Cleanup(c.mallory.wire.close)
	return c, nil
}

// run lets everybody loose, ends all that is under way by a last kill -9, and
// waits until every client has seen what there is.
func (c *chaos) run(ctx context.Context, duration time.Duration) error {
	began := time.Now()
	load, end := context.WithTimeout(ctx, duration)
	defer end()
	all, load := errgroup.WithContext(load)
	all.Go(func() error { return c.nemesis.rage(load) })
	for _, w := range c.writers {
		all.Go(func() error { return w.chat(load) })
		all.Go(func() error { return w.heal(load) })
	}
	for _, r := range c.readers {
		all.Go(func() error { return r.read(load) })
	}
	all.Go(func() error { return c.mallory.replay(load) })
	if err := all.Wait(); err != nil {
		return err
	}
	c.lasted = time.Since(began)
	// After this nothing is held back or half done: what is not stored by now
	// never will be.
	if err := c.nemesis.restart(ctx); err != nil {
		return err
	}
	for range replaysAfter {
		c.mallory.once(ctx)
	}
	return c.converge(ctx)
}

// converge reads the logs as somebody who has just come, and waits until
// everybody has seen as much.
func (c *chaos) converge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, convergence)
	defer cancel()
	if err := c.audit(ctx); err != nil {
		return fmt.Errorf("read the logs in the end: %w", err)
	}
	for _, w := range c.writers {
		if err := w.restart(ctx); err != nil {
			return fmt.Errorf("%s does not come back: %w", w.user, err)
		}
	}
	for _, log := range c.logs {
		for _, w := range c.writers {
			if !within(convergence, func() bool {
				return w.saw(log.room) >= len(log.texts) || ctx.Err() != nil
			}) || ctx.Err() != nil {
				c.wrong = append(c.wrong, fmt.Sprintf("%s has seen %d of the %d messages of %s after %v",
					w.user, w.saw(log.room), len(log.texts), log.room, convergence))
			}
		}
	}
	for _, w := range c.writers {
		w.leave()
	}
	return nil
}

// audit reads every room from its first message with a fresh client.
func (c *chaos) audit(ctx context.Context) error {
	w, err := newWire(c.history, "auditor", c.stack.webSocket)
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
				return fmt.Errorf("%s %d comes after %d, with the problem %v", room, m.Seq, len(log.texts), m.Problem)
			}
			log.texts = append(log.texts, c.history.identify(m.Body))
		}
		c.logs = append(c.logs, log)
	}
	return nil
}

// check makes the four checks, and asks whether the history is linearizable.
func (c *chaos) check() error {
	c.stack.kill()
	if err := c.stack.sound(); err != nil {
		return err
	}
	h := c.history
	c.wrong = append(c.wrong, h.violations...)
	var views []view
	for _, w := range c.writers {
		for _, v := range w.seen {
			views = append(views, *v)
		}
	}
	for _, log := range c.logs {
		wrong, lost := lostOrDoubled(log, views, h.operations)
		c.wrong, c.found.lost = append(c.wrong, wrong...), c.found.lost+lost
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
	seals, wrong := h.seals(sendsByPlace(c.logs, h.operations))
	c.wrong = append(c.wrong, wrong...)
	c.wrong = append(c.wrong, stale(seals, h.operations)...)
	if c.mallory.refusals() == 0 {
		c.wrong = append(c.wrong, fmt.Sprintf("no replay was answered as it should be, but %v", c.mallory.answers))
	}
	wrong, size, err := plaintext(c.stack.dir, h.marker, string(c.writers[0].user))
	if err != nil {
		return err
	}
	c.wrong, c.found.searched = append(c.wrong, wrong...), size

	partitions := append(logPartitions(c.logs, h.operations), keyPartitions(seals, h.operations)...)
	for _, p := range partitions {
		c.found.operations += len(p.operations)
	}
	began := time.Now()
	wrong = linearizable(partitions)
	c.wrong, c.found.undecided = append(c.wrong, wrong...), len(wrong)
	c.found.partitions, c.found.thinking = len(partitions), time.Since(began)
	if c.found.acked == 0 || len(h.deliveries) == 0 {
		return errors.New("nothing was stored or delivered, so nothing is shown")
	}
	return nil
}

// keep saves what is needed to find out what went wrong. No text is in it,
// unless that is what went wrong.
func (c *chaos) keep() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "sotto-chaos-"); err != nil {
		return "", err
	}
	log, err := os.ReadFile(c.stack.logFile())
	return dir, errors.Join(err,
		os.WriteFile(filepath.Join(dir, "stack.log"), log, 0o600),
		c.history.save(filepath.Join(dir, "history.json")))
}
