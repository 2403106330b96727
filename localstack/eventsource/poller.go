package eventsource

import (
	"context"
	"hash/fnv"
	"reflect"
	"slices"
	"sync"
	"time"
)

const (
	// readLimit bounds the records of one read (as for GetRecords).
	readLimit = 1000
	// readPause is the pause after a failed read.
	readPause = time.Second
)

// poller runs one mapping: it reads the stream and distributes the records to
// lanes by item.
type poller struct {
	s       *Service
	config  Config
	filter  filter
	initial string // the position if there is no position file

	stopped context.Context // when it is done, no further batch begins
	stop    context.CancelFunc
	retired bool          // stop was called; guarded by Service.mu
	removed bool          // only a placeholder for a removed mapping
	done    chan struct{} // closed when everything has ended

	mu      sync.Mutex
	after   string   // the position
	saved   string   // the position in the file
	pending []string // sequence numbers after the position, in order
	settled map[string]bool
}

// newPoller checks a mapping and returns a poller for it, or nil if the mapping
// is disabled or unchanged. The caller holds Service.mu.
func (s *Service) newPoller(c Config) (*poller, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	f, err := parseFilter(c.FilterPatterns)
	if err != nil {
		return nil, err
	}
	old := s.pollers[c.UUID]
	if !c.Enabled || old != nil && !old.retired && reflect.DeepEqual(old.config, c) {
		return nil, nil
	}
	end, err := s.opts.Reader.End(c.StreamARN)
	if err != nil {
		return nil, err
	}
	p := &poller{s: s, config: c, filter: f, done: make(chan struct{}), settled: make(map[string]bool)}
	if c.StartingPosition == Latest {
		p.initial = end
	}
	p.stopped, p.stop = context.WithCancel(s.running)
	return p, nil
}

// retire stops the poller; its running batches finish. The caller holds
// Service.mu.
func (p *poller) retire() {
	p.retired = true
	p.stop()
}

// run runs the mapping until the poller stops. It first waits for the end of
// the previous poller, which may be nil.
func (p *poller) run(before *poller) {
	defer close(p.done)
	if before != nil {
		<-before.done
		if err := p.restore(); err != nil {
			p.s.log.Error("failed to start an event source mapping", "mapping", p.config.UUID, "err", err)
			return
		}
	}
	var lanes sync.WaitGroup
	in := make([]chan []Record, p.config.ParallelizationFactor)
	for i := range in {
		in[i] = make(chan []Record, 1)
		lanes.Go(func() { p.lane(in[i]) })
	}
	p.read(in)
	lanes.Wait()
	p.save()
}

// restore reads the mapping's position. A mapping without one gets its initial
// position.
func (p *poller) restore() error {
	at, err := p.s.loadPosition(p.config)
	if err != nil {
		return err
	}
	if at == nil {
		at = &position{After: p.initial}
		if err := p.s.savePosition(p.config, p.initial); err != nil {
			return err
		}
	}
	p.after, p.saved = at.After, at.After
	return nil
}

// read distributes records until the poller stops.
func (p *poller) read(lanes []chan []Record) {
	after, logged := p.after, ""
	for p.stopped.Err() == nil {
		changed, err := p.s.opts.Reader.Changed(p.config.StreamARN)
		var records []Record
		if err == nil {
			records, err = p.s.opts.Reader.Read(p.config.StreamARN, after, readLimit)
		}
		switch {
		case err != nil:
			if err.Error() != logged { // not again every second
				p.s.log.Error("failed to read a stream", "mapping", p.config.UUID, "stream",
					p.config.StreamARN, "err", err)
				logged = err.Error()
			}
			p.pause(readPause)
		case len(records) == 0:
			select {
			case <-changed:
			case <-p.stopped.Done():
			}
		default:
			logged = ""
			after = records[len(records)-1].SequenceNumber
			p.distribute(records, lanes)
		}
	}
}

// pause waits for d. It returns false if the poller stops first.
func (p *poller) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.stopped.Done():
		return false
	}
}

// distribute sends the records to the lanes; those of an item always go to the
// same lane.
func (p *poller) distribute(records []Record, lanes []chan []Record) {
	p.mu.Lock()
	for _, r := range records {
		p.pending = append(p.pending, r.SequenceNumber)
	}
	p.mu.Unlock()
	pages := make([][]Record, len(lanes))
	var filtered []Record
	for _, r := range records {
		if !p.filter.matches(r.Event) {
			filtered = append(filtered, r)
			continue
		}
		h := fnv.New32a()
		h.Write([]byte(r.Item))
		i := int(h.Sum32() % uint32(len(lanes)))
		pages[i] = append(pages[i], r)
	}
	if len(filtered) > 0 {
		p.settle(filtered)
	}
	for i, page := range pages {
		if len(page) == 0 {
			continue
		}
		select {
		case lanes[i] <- page:
		case <-p.stopped.Done():
			return
		}
	}
}

// settle marks records as delivered, discarded or filtered out. The position
// moves to the last record before the first unsettled one.
func (p *poller) settle(records []Record) {
	p.mu.Lock()
	for _, r := range records {
		p.settled[r.SequenceNumber] = true
	}
	n := 0
	for n < len(p.pending) && p.settled[p.pending[n]] {
		delete(p.settled, p.pending[n])
		p.after = p.pending[n]
		n++
	}
	p.pending = slices.Delete(p.pending, 0, n)
	p.mu.Unlock()
	p.save()
}

// save writes the position to its file. If that fails, a restart delivers
// records again.
func (p *poller) save() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saved == p.after {
		return
	}
	if err := p.s.savePosition(p.config, p.after); err != nil {
		p.s.log.Error("failed to save the position of an event source mapping", "mapping", p.config.UUID, "err", err)
		return
	}
	p.saved = p.after
}
