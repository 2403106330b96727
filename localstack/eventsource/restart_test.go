package eventsource_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/eventsource"
)

func TestRestartContinues(t *testing.T) {
	s := newStack(t)
	latest := s.mapping(func(c *eventsource.Config) { c.StartingPosition, c.BatchSize = eventsource.Latest, 2 })
	s.put("before")
	_, stop := s.start(latest)
	s.put("a", "b", "c")
	s.waitFor("the first run", func() bool { return len(s.seen()) == 3 })
	stop()
	s.put("while down")
	s.start(latest)
	s.waitFor("the record written meanwhile", func() bool { return len(s.seen()) == 4 })
	if got, want := s.seen(), []string{"a=0", "b=1", "c=2", "while down=0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// E12: a batch whose invocation was interrupted is delivered again.
func TestE12_AtLeastOnce(t *testing.T) {
	s := newStack(t)
	s.put("a", "b")
	entered := make(chan struct{})
	s.parallel = true
	s.opts.Invoker = cutOff{s.function, entered}
	service, err := eventsource.New(s.opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Set([]eventsource.Config{s.mapping(nil)}); err != nil {
		t.Fatal(err)
	}
	<-entered
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := service.Close(over); err == nil || !strings.Contains(err.Error(), "still running") {
		t.Errorf("Close: got %v, want an error with \"still running\"", err)
	}
	if err := service.Set(nil); err == nil {
		t.Error("Set after Close: got no error, want one")
	}
	s.opts.Invoker = s.function
	s.start(s.mapping(nil))
	s.waitForCalls("a=0 b=1", "a=0 b=1")
}

// cutOff is a function that runs until its context is done.
type cutOff struct {
	*function
	entered chan struct{}
}

func (c cutOff) Invoke(ctx context.Context, name string, payload []byte) (eventsource.Response, error) {
	if _, err := c.function.Invoke(ctx, name, payload); err != nil {
		return eventsource.Response{}, err
	}
	close(c.entered)
	<-ctx.Done()
	return eventsource.Response{}, ctx.Err()
}

// Close waits for the running batch, which is not delivered again.
func TestCloseWaitsForBatches(t *testing.T) {
	s := newStack(t)
	s.put("a", "b", "c")
	entered, release := make(chan struct{}), make(chan struct{})
	s.handle = func(call int, _ []string) (eventsource.Response, error) {
		if call == 0 {
			close(entered)
			<-release
		}
		return eventsource.Response{}, nil
	}
	one := s.mapping(func(c *eventsource.Config) { c.BatchSize = 1 })
	_, stop := s.start(one)
	<-entered
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	select {
	case <-stopped:
		t.Error("Close returned during a batch, want it to wait")
	default:
	}
	close(release)
	<-stopped
	begun := len(s.calls())
	s.put("d")
	s.start(one)
	s.waitFor("the rest", func() bool { return len(s.seen()) >= 4 })
	if got, want := s.seen(), []string{"a=0", "b=1", "c=2", "d=0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, of which %d before the restart; want %v", got, begun, want)
	}
}

func TestSet(t *testing.T) {
	s := newStack(t)
	one := func(change func(*eventsource.Config)) []eventsource.Config {
		return []eventsource.Config{s.mapping(func(c *eventsource.Config) {
			c.BatchSize = 1
			if change != nil {
				change(c)
			}
		})}
	}
	service, _ := s.start(one(nil)...)
	set := func(configs []eventsource.Config) {
		t.Helper()
		if err := service.Set(configs); err != nil {
			t.Fatal(err)
		}
	}
	s.put("a")
	s.waitForCalls("a=0")
	set(one(nil)) // unchanged
	set(one(func(c *eventsource.Config) { c.BatchSize = 2 }))
	s.put("b")
	s.waitForCalls("a=0", "b=0")
	set(one(func(c *eventsource.Config) { c.Enabled = false }))
	s.put("c")
	set(one(nil)) // continues at its position
	s.waitForCalls("a=0", "b=0", "c=0")
	set(nil)
	set(one(func(c *eventsource.Config) { c.StartingPosition = eventsource.Latest })) // new
	s.put("d")
	s.waitForCalls("a=0", "b=0", "c=0", "d=0")
	set(nil)
	set(one(nil)) // begins at the oldest record
	s.waitForCalls("a=0", "b=0", "c=0", "d=0", "a=0", "b=0", "c=0", "d=0")
}

// The position of a mapping that was removed in another run is removed.
func TestRemovedMappingLosesItsPosition(t *testing.T) {
	s := newStack(t)
	one := s.mapping(func(c *eventsource.Config) { c.BatchSize = 1 })
	s.put("a")
	_, stop := s.start(one)
	s.waitForCalls("a=0")
	stop()
	_, stop = s.start()
	stop()
	s.start(one)
	s.waitForCalls("a=0", "a=0")
}
