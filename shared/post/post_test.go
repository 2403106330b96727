package post

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/recovery"
	"github.com/sotto-chat/sotto/shared/room"
)

// soon is how long a test waits for what must happen before it gives up.
const soon = 20 * time.Second

// management is the @connections API of a stage, over HTTP. What the id of a
// connection begins with says how it behaves.
type management struct {
	released chan struct{} // closed, it lets stalled posts through

	mu    sync.Mutex
	tries map[string]int    // by id
	got   map[string]string // by id, what was taken
}

// serve starts the API and returns a poster on it, over the SDK's own client.
func serve(t *testing.T) (*management, *Poster) {
	t.Helper()
	m := &management{released: make(chan struct{}), tries: map[string]int{}, got: map[string]string{}}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	url := server.URL + "/stage"
	return m, New(apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = Concurrency
		}),
	}))
}

func (m *management) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, isConnection := strings.CutPrefix(r.URL.Path, "/stage/@connections/")
	data, err := io.ReadAll(r.Body)
	if !isConnection || err != nil || !strings.Contains(r.Header.Get("Authorization"), "/execute-api/") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	m.mu.Lock()
	m.tries[id]++
	try := m.tries[id]
	m.mu.Unlock()
	kind, _, _ := strings.Cut(id, "-")
	switch {
	case kind == "gone":
		refuse(w, http.StatusGone, "GoneException")
		return
	case kind == "clogged", kind == "busy" && try < 3:
		refuse(w, http.StatusTooManyRequests, "LimitExceededException")
		return
	case kind == "bare" && try < 2:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case kind == "ill" && try < 3:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case kind == "large":
		refuse(w, http.StatusRequestEntityTooLarge, "PayloadTooLargeException")
		return
	case kind == "stalled":
		select {
		case <-m.released:
		case <-r.Context().Done():
			return
		}
	case kind == "dead":
		<-r.Context().Done()
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got[id] = r.Method + " " + string(data)
}

func refuse(w http.ResponseWriter, status int, name string) {
	w.Header().Set("x-amzn-ErrorType", name)
	w.WriteHeader(status)
}

func (m *management) taken(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got[id]
}

func (m *management) tried(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tries[id]
}

func TestPost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id      chat.Connection
		tries   int
		reached bool
		is      error
	}{
		{"open-Zz0=", 1, true, nil},
		{"busy-1=", 3, true, nil},
		{"bare-1=", 2, true, nil}, // a 429 that does not say what it is
		{"ill-1=", 3, true, nil},
		{"gone-1=", 1, false, room.ErrGone},
		{"clogged-1=", attempts, false, nil},
		{"large-1=", 1, false, nil},
		{"dead-1=", 1, false, context.DeadlineExceeded},
	} {
		t.Run(string(test.id), func(t *testing.T) {
			t.Parallel()
			m, p := serve(t)
			err := p.Post(t.Context(), test.id, []byte(`{"type":"x"}`))
			if (err == nil) != test.reached || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got error %v", err)
			}
			if got := m.tried(string(test.id)); got != test.tries {
				t.Errorf("tried %d times, want %d", got, test.tries)
			}
			if got := m.taken(string(test.id)); (got == `POST {"type":"x"}`) != test.reached {
				t.Errorf("posted %q", got)
			}
			var limit *types.LimitExceededException
			if strings.HasPrefix(string(test.id), "clogged") && !errors.As(err, &limit) {
				t.Errorf("got error %v, want what the service said last", err)
			}
		})
	}
}

// TestSlowConnectionsDelayNobody posts to a full chunk in which all
// connections but one stall, are clogged, dead or gone. The one gets its frame
// while every other is still where it hangs.
func TestSlowConnectionsDelayNobody(t *testing.T) {
	t.Parallel()
	m, p := serve(t)
	ids := make([]chat.Connection, Concurrency)
	for i := range ids {
		kind := []string{"stalled", "clogged", "clogged", "gone", "dead"}[i%5]
		ids[i] = chat.Connection(fmt.Sprintf("%s-%d", kind, i))
	}
	last := chat.Connection("open")
	ids[len(ids)-1] = last
	reached := make(chan struct{})
	var mu sync.Mutex
	outcomes := map[chat.Connection]error{}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		p.PostAll(t.Context(), len(ids),
			func(i int) chat.Connection { return ids[i] },
			func(i int) ([]byte, error) { return []byte(ids[i]), nil },
			func(i int, err error) {
				mu.Lock()
				defer mu.Unlock()
				outcomes[ids[i]] = err
				if ids[i] == last {
					close(reached)
				}
			})
	}()
	await(t, reached, "the open connection's post")
	for _, id := range ids {
		if strings.HasPrefix(string(id), "stalled") && m.taken(string(id)) != "" {
			t.Errorf("%s was not stalled", id)
		}
	}
	close(m.released)
	await(t, finished, "the end of the fan-out")
	for _, id := range ids {
		err, there := outcomes[id]
		if !there {
			t.Errorf("%s has no outcome", id)
			continue
		}
		kind, _, _ := strings.Cut(string(id), "-")
		var limit *types.LimitExceededException
		ok := map[string]bool{
			"open": err == nil, "stalled": err == nil, "gone": errors.Is(err, room.ErrGone),
			"clogged": errors.As(err, &limit), "dead": errors.Is(err, context.DeadlineExceeded),
		}[kind]
		if !ok {
			t.Errorf("%s ended with %v", id, err)
		}
		if took := m.taken(string(id)) == "POST "+string(id); took != (err == nil) {
			t.Errorf("%s took its frame: %v, but ended with %v", id, took, err)
		}
	}
	if err := p.Post(t.Context(), "busy", []byte("x")); err != nil {
		t.Errorf("clogged connections have used up the tries of others: %v", err)
	}
}

// TestPostAllStopsInTime ends a fan-out over more connections than are posted
// to at a time: those that hang fail, and no frame is made any more.
func TestPostAllStopsInTime(t *testing.T) {
	t.Parallel()
	_, p := serve(t)
	const n = 3 * Concurrency
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	made, failed := 0, 0
	p.PostAll(ctx, n,
		func(i int) chat.Connection { return chat.Connection(fmt.Sprintf("dead-%d", i)) },
		func(i int) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			if made++; made == Concurrency {
				cancel()
			}
			return []byte("x"), nil
		},
		func(_ int, err error) {
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, context.Canceled) {
				failed++
			}
		})
	if made != Concurrency || failed != n {
		t.Errorf("made %d frames, want %d; %d posts were cancelled, want %d", made, Concurrency, failed, n)
	}
}

func TestFrameThatIsNotMadeIsNotPosted(t *testing.T) {
	m, p := serve(t)
	broken := errors.New("no key")
	p.PostAll(t.Context(), 2,
		func(i int) chat.Connection { return chat.Connection(fmt.Sprintf("open-%d", i)) },
		func(i int) ([]byte, error) { return []byte("x"), []error{broken, nil}[i] },
		func(i int, err error) {
			if want := []error{broken, nil}[i]; !errors.Is(err, want) {
				t.Errorf("%d ended with %v", i, err)
			}
		})
	if m.taken("open-0") != "" || m.taken("open-1") != "POST x" {
		t.Errorf("posted %v", m.got)
	}
}

func TestClose(t *testing.T) {
	m, p := serve(t)
	for _, id := range []chat.Connection{"open", "gone"} {
		if err := p.Close(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if m.taken("open") != "DELETE " {
		t.Errorf("got %q", m.taken("open"))
	}
	if err := p.Close(t.Context(), "large"); err == nil {
		t.Error("got no error for a failed Close")
	}
}

// TestPausesFitPatience keeps the pauses of one post within its patience.
func TestPausesFitPatience(t *testing.T) {
	var sum time.Duration
	for attempt := 1; attempt < attempts; attempt++ {
		longest := firstPause << (attempt - 1)
		sum += longest
		for range 100 {
			if d, err := pause(attempt, nil); err != nil || d < longest/2 || d >= longest {
				t.Fatalf("pause %d is %v, %v, want from %v to %v", attempt, d, err, longest/2, longest)
			}
		}
	}
	if sum >= patience {
		t.Errorf("the pauses take up to %v of %v", sum, patience)
	}
}

func await(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(soon):
		t.Fatalf("%s did not happen", what)
	}
}

// TestPanicCostsOneConnection makes a frame's construction panic: the other
// connections get their frames, and the process lives.
func TestPanicCostsOneConnection(t *testing.T) {
	m, p := serve(t)
	var mu sync.Mutex
	outcomes := map[int]error{}
	p.PostAll(t.Context(), 3,
		func(i int) chat.Connection { return chat.Connection(fmt.Sprintf("open-%d", i)) },
		func(i int) ([]byte, error) {
			if i == 1 {
				panic("a text")
			}
			return []byte("x"), nil
		},
		func(i int, err error) {
			mu.Lock()
			defer mu.Unlock()
			outcomes[i] = err
		})
	panicked, ok := errors.AsType[*recovery.PanicError](outcomes[1])
	if !ok || !strings.Contains(panicked.Stack, "TestPanicCostsOneConnection") {
		t.Errorf("connection 1: got %v, want a PanicError with the stack", outcomes[1])
	}
	for _, i := range []int{0, 2} {
		if got := m.taken(fmt.Sprintf("open-%d", i)); outcomes[i] != nil || got != "POST x" {
			t.Errorf("connection %d: got %q and error %v, want its frame", i, got, outcomes[i])
		}
	}
}
