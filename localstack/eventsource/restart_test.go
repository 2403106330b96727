package eventsource_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/eventsource"
)

func TestRestartGoesOn(t *testing.T) {
	s := newStack(t)
	latest := s.mapping(func(c *eventsource.Config) { c.StartingPosition, c.BatchSize = eventsource.Latest, 2 })
	s.put("before")
	_, stop := s.start(latest)
	s.put("a", "b", "c")
	s.waitFor("the first run", func() bool { return len(s.seen()) == 3 })
	stop()
	s.put("while down")
	s.start(latest)
	s.waitFor("what came meanwhile", func() bool { return len(s.seen()) == 4 })
	if got, want := s.seen(), []string{"a=0", "b=1", "c=2", "while down=0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// E12: a batch whose invocation was cut off comes again: at least once.
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
		t.Errorf("closed with the error %v", err)
	}
	if err := service.Set(nil); err == nil {
		t.Error("a closed service takes mappings")
	}
	s.opts.Invoker = s.function
	s.start(s.mapping(nil))
	s.waitForCalls("a=0 b=1", "a=0 b=1")
}

// cutOff is a function that runs until its caller gives up.
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

// Close waits for the batch that runs, and it does not come again.
func TestCloseInOrder(t *testing.T) {
	s := newStack(t)
	s.put("a", "b", "c")
	entered, leave := make(chan struct{}), make(chan struct{})
	s.handle = func(call int, _ []string) (eventsource.Response, error) {
		if call == 0 {
			close(entered)
			<-leave
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
		t.Error("closed while a batch runs")
	default:
	}
	close(leave)
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
	set(one(nil)) // the same
	set(one(func(c *eventsource.Config) { c.BatchSize = 2 }))
	s.put("b")
	s.waitForCalls("a=0", "b=0")
	set(one(func(c *eventsource.Config) { c.Enabled = false }))
	s.put("c")
	set(one(nil)) // goes on where it was
	s.waitForCalls("a=0", "b=0", "c=0")
	set(nil)
	set(one(func(c *eventsource.Config) { c.StartingPosition = eventsource.Latest })) // new
	s.put("d")
	s.waitForCalls("a=0", "b=0", "c=0", "d=0")
	set(nil)
	set(one(nil)) // from the oldest on
	s.waitForCalls("a=0", "b=0", "c=0", "d=0", "a=0", "b=0", "c=0", "d=0")
}

// Mappings of earlier runs that are gone leave nothing behind.
func TestForgottenMapping(t *testing.T) {
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
