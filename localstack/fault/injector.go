package fault

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// Options configure an Injector.
type Options struct {
	// Seed is the seed of the random decisions; 0 takes a random seed. Each
	// fault has its own random sequence, derived from the seed and from the
	// fault's place among those set under that seed. So under the same seed the
	// n-th decision of a fault is always the same.
	Seed uint64
	// Functions are the names that a fault of Lambda may have as its target.
	Functions []string
	// Log gets a line for each fault that is set or cleared and for each
	// action; nil discards it.
	Log *slog.Logger
}

// Injector holds the faults that are on and decides when they strike. Its
// methods may be called concurrently and do not block.
type Injector struct {
	functions atomic.Pointer[[]string]
	log       *slog.Logger

	// on is set while there is a fault. Services check it first.
	on atomic.Bool

	mu     sync.Mutex
	seed   uint64
	seeded uint64     // how many faults were set under this seed
	chance *rand.Rand // for actions
	lastID uint64
	rules  []*rule
	total  map[Kind]uint64
}

// rule is a fault that is on, or that was on when a strike began. Injector.mu
// guards it.
type rule struct {
	Fault
	id     uint64
	chance *rand.Rand
	begun  uint64 // strikes, including those that have not taken effect yet
	struck uint64 // strikes that have taken effect
}

// Status is a fault that is or was on.
type Status struct {
	ID uint64 `json:"id"`
	// Struck is how often the fault has taken effect.
	Struck uint64 `json:"struck"`
	Fault
}

// State is the state of an injector.
type State struct {
	// Seed makes another stack decide the same way.
	Seed   uint64   `json:"seed"`
	Faults []Status `json:"faults"`
	// Total counts, by kind, the strikes since the stack started. It includes
	// those of cleared faults and of actions.
	Total map[Kind]uint64 `json:"total"`
}

// New returns an injector without faults.
func New(o Options) *Injector {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	in := &Injector{log: o.Log, total: make(map[Kind]uint64)}
	in.SetFunctions(o.Functions)
	in.reseed(o.Seed)
	return in
}

// SetFunctions replaces [Options.Functions], after a deployment. Faults that
// are set for a function that is gone stay set; they act if it comes back, and
// the log says so.
func (in *Injector) SetFunctions(names []string) {
	before := in.functions.Swap(&names)
	if before == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, r := range in.rules {
		if r.Kind.service() != "lambda" || r.Target == all {
			continue
		}
		had, has := slices.Contains(*before, r.Target), slices.Contains(names, r.Target)
		switch {
		case had && !has:
			in.log.Warn("the function of a fault is gone; the fault has no effect until it comes back",
				"id", r.id, "fault", r.String(), "function", r.Target)
		case has && !had:
			in.log.Info("the function of a fault is back", "id", r.id, "fault", r.String(), "function", r.Target)
		}
	}
}

// reseed starts the random sequences of a seed. The caller holds mu, as for
// put, remove and state.
func (in *Injector) reseed(seed uint64) {
	for seed == 0 {
		seed = uint64(rand.Uint32()) // short enough to type, and exact as a JSON number
	}
	in.seed, in.seeded, in.chance = seed, 0, rand.New(rand.NewPCG(seed, 0))
}

// put adds a rule for a valid fault.
func (in *Injector) put(f Fault) *rule {
	in.lastID++
	in.seeded++
	r := &rule{Fault: f, id: in.lastID, chance: rand.New(rand.NewPCG(in.seed, in.seeded))}
	in.rules = append(in.rules, r)
	in.on.Store(true)
	in.log.Info("fault set", "id", r.id, "fault", f.String(), "seed", in.seed)
	return r
}

// remove removes the rules that which selects and returns their last status.
func (in *Injector) remove(which func(*rule) bool) []Status {
	var removed []Status
	in.rules = slices.DeleteFunc(in.rules, func(r *rule) bool {
		if !which(r) {
			return false
		}
		removed = append(removed, r.status())
		in.log.Info("fault cleared", "id", r.id, "fault", r.String(), "struck", r.struck)
		return true
	})
	in.on.Store(len(in.rules) > 0)
	return removed
}

func (r *rule) status() Status { return Status{r.id, r.struck, r.Fault} }

// Add sets a fault. An invalid fault or an action is an error.
func (in *Injector) Add(f Fault) (Status, error) {
	if err := in.check(f); err != nil {
		return Status{}, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.put(f).status(), nil
}

// Replace clears all faults and sets these under a new seed; 0 takes a random
// seed. An invalid fault is an error and changes nothing.
func (in *Injector) Replace(seed uint64, faults []Fault) error {
	for i, f := range faults {
		if err := in.check(f); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.remove(func(*rule) bool { return true })
	in.reseed(seed)
	for _, f := range faults {
		in.put(f)
	}
	return nil
}

// check returns an error if f cannot be set.
func (in *Injector) check(f Fault) error {
	if err := f.check(*in.functions.Load()); err != nil {
		return err
	}
	if f.Kind.isAction() {
		return fmt.Errorf("%s is an action: it can be posted but not set", f.Kind)
	}
	return nil
}

// Clear clears one fault and returns its last status. It returns false if no
// fault has this id.
func (in *Injector) Clear(id uint64) (Status, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	removed := in.remove(func(r *rule) bool { return r.id == id })
	if len(removed) == 0 {
		return Status{}, false
	}
	return removed[0], true
}

// ClearAll clears all faults and returns the state before. The random sequences
// of the seed start again.
func (in *Injector) ClearAll() State {
	in.mu.Lock()
	defer in.mu.Unlock()
	before := in.state()
	in.remove(func(*rule) bool { return true })
	in.seeded = 0
	return before
}

// State returns the faults that are on and the counters.
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

// site is where a fault may strike.
type site struct {
	target string          // a function, an operation or a connection's id
	tables func() []string // the tables of a database request, or nil
}

// matches reports whether the rule covers the site.
func (r *rule) matches(at site) bool {
	if r.Target != all && r.Target != at.target {
		return false
	}
	return r.Table == "" || at.tables != nil && slices.Contains(at.tables(), r.Table)
}

// begin returns the first rule of a kind that strikes at the site, or nil. The
// caller must call end for it.
func (in *Injector) begin(kind Kind, at site) *rule {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, r := range in.rules {
		if r.Kind == kind && r.matches(at) && r.decide() {
			return r
		}
	}
	return nil
}

// decide decides whether the rule strikes now, and counts the strike.
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

// end counts a strike that took effect. One that did not (hit is false) does
// not use up the rule's Count.
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

// strikes is begin and end in one call, for strikes that always take effect.
func (in *Injector) strikes(kind Kind, at site) *rule {
	r := in.begin(kind, at)
	if r != nil {
		in.end(r, true)
	}
	return r
}
