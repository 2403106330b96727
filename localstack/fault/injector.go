package fault

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
)

// Options configure an Injector.
type Options struct {
	// Seed decides what is left to chance; 0 takes a random one. Every fault
	// has a sequence of its own, made of the seed and of its place among those
	// that were set under it: its n-th opportunity ends the same way again.
	Seed uint64
	// Functions are the names that a fault of Lambda may have as its target.
	Functions []string
	// Log tells what is set and cleared; nil discards it.
	Log *slog.Logger
}

// Injector holds the faults that are on, and decides when they strike. Its
// methods may be called concurrently; they never wait.
type Injector struct {
	functions []string
	log       *slog.Logger

	// on is all that a service looks at while there is no fault.
	on atomic.Bool

	mu     sync.Mutex
	seed   uint64
	seeded uint64     // faults set under this seed
	chance *rand.Rand // of actions
	lastID uint64
	rules  []*rule
	total  map[Kind]uint64
}

// rule is a fault that is on, or was when a strike began. Injector.mu guards
// it.
type rule struct {
	Fault
	id     uint64
	chance *rand.Rand
	begun  uint64 // strikes, those included that are still to take effect
	struck uint64
}

// Status is a fault that is, or was, on.
type Status struct {
	ID uint64 `json:"id"`
	// Struck is how often it has taken effect.
	Struck uint64 `json:"struck"`
	Fault
}

// State is all that there is to know.
type State struct {
	// Seed is what another stack needs to decide alike.
	Seed   uint64   `json:"seed"`
	Faults []Status `json:"faults"`
	// Total counts by kind what has taken effect since the stack started, by
	// faults that are cleared and by actions, too.
	Total map[Kind]uint64 `json:"total"`
}

// New returns an injector without faults.
func New(o Options) *Injector {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	in := &Injector{functions: o.Functions, log: o.Log, total: make(map[Kind]uint64)}
	in.sow(o.Seed)
	return in
}

// sow begins the sequences of a seed. Under mu, as put, remove and state are.
func (in *Injector) sow(seed uint64) {
	for seed == 0 {
		seed = uint64(rand.Uint32()) // short enough to be typed, and for JSON's numbers
	}
	in.seed, in.seeded, in.chance = seed, 0, rand.New(rand.NewPCG(seed, 0))
}

func (in *Injector) put(f Fault) *rule {
	in.lastID++
	in.seeded++
	r := &rule{Fault: f, id: in.lastID, chance: rand.New(rand.NewPCG(in.seed, in.seeded))}
	in.rules = append(in.rules, r)
	in.on.Store(true)
	in.log.Info("fault on", "id", r.id, "fault", f.String(), "seed", in.seed)
	return r
}

func (in *Injector) remove(which func(*rule) bool) []Status {
	var gone []Status
	in.rules = slices.DeleteFunc(in.rules, func(r *rule) bool {
		if !which(r) {
			return false
		}
		gone = append(gone, r.status())
		in.log.Info("fault off", "id", r.id, "fault", r.String(), "struck", r.struck)
		return true
	})
	in.on.Store(len(in.rules) > 0)
	return gone
}

func (r *rule) status() Status { return Status{r.id, r.struck, r.Fault} }

// Add turns a fault on.
func (in *Injector) Add(f Fault) (Status, error) {
	if err := in.check(f); err != nil {
		return Status{}, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.put(f).status(), nil
}

// Replace clears what is on and turns these faults on, under a seed of their
// own; 0 takes a random one. An invalid fault is an error and changes nothing.
func (in *Injector) Replace(seed uint64, faults []Fault) error {
	for i, f := range faults {
		if err := in.check(f); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.remove(func(*rule) bool { return true })
	in.sow(seed)
	for _, f := range faults {
		in.put(f)
	}
	return nil
}

func (in *Injector) check(f Fault) error {
	if err := f.check(in.functions); err != nil {
		return err
	}
	if f.Kind.isAction() {
		return fmt.Errorf("%s is an action: it can be posted, not set", f.Kind)
	}
	return nil
}

// Clear turns one fault off, and returns its last state; false if there is none
// with this id.
func (in *Injector) Clear(id uint64) (Status, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	gone := in.remove(func(r *rule) bool { return r.id == id })
	if len(gone) == 0 {
		return Status{}, false
	}
	return gone[0], true
}

// ClearAll turns all faults off and returns the state before. The sequences of
// the seed begin anew.
func (in *Injector) ClearAll() State {
	in.mu.Lock()
	defer in.mu.Unlock()
	before := in.state()
	in.remove(func(*rule) bool { return true })
	in.seeded = 0
	return before
}

// State returns what is on.
func (in *Injector) State() State {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.state()
}

func (in *Injector) state() State {
	s := State{Seed: in.seed, Faults: []Status{}, Total: maps.Clone(in.total)}
	for _, r := range in.rules {
		s.Faults = append(s.Faults, r.status())
	}
	return s
}

// begin returns the first fault of a kind that strikes here, or nil. Its strike
// is to be ended.
func (in *Injector) begin(kind Kind, target string, request dynamodb.Request) *rule {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, r := range in.rules {
		if r.Kind == kind && (r.Target == all || r.Target == target) &&
			(r.Table == "" || slices.Contains(request.Tables(), r.Table)) && r.decide() {
			return r
		}
	}
	return nil
}

// decide is one opportunity.
func (r *rule) decide() bool {
	if r.Count > 0 && r.begun >= r.Count {
		return false
	}
	if r.Probability < 1 && r.chance.Float64() >= r.Probability {
		return false
	}
	r.begun++
	return true
}

// end counts a strike, or gives it back if it had no effect.
func (in *Injector) end(r *rule, hit bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !hit {
		r.begun--
		return
	}
	r.struck++
	in.total[r.Kind]++
}

// strikes is begin and end at once, where nothing can come in between.
func (in *Injector) strikes(kind Kind, target string, request dynamodb.Request) *rule {
	r := in.begin(kind, target, request)
	if r != nil {
		in.end(r, true)
	}
	return r
}
