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
	// readLimit is how many records are read at once (GetRecords).
	readLimit = 1000
	// readPause is the wait after a stream could not be read.
	readPause = time.Second
)

// poller runs one mapping: it reads the stream and hands the records to lanes,
// by item.
type poller struct {
	s       *Service
	config  Config
	filter  filter
	initial string // the position if there is none in the file

	stopped context.Context // no batch is begun after its end
	stop    context.CancelFunc
	leaving bool          // under Service.mu: stop was called
	removed bool          // it only stands for a mapping that is gone
	done    chan struct{} // closed when nothing of it runs any more

	mu        sync.Mutex
	after     string   // the position
	saved     string   // the position in the file
	underway  []string // sequence numbers after the position, in order
	dealtWith map[string]bool
}

// newPoller checks a mapping and makes a poller for it, unless it is disabled
// or has one. Under Service.mu.
func (s *Service) newPoller(c Config) (*poller, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	f, err := parseFilter(c.FilterPatterns)
	if err != nil {
		return nil, err
	}
	old := s.pollers[c.UUID]
	if !c.Enabled || old != nil && !old.leaving && reflect.DeepEqual(old.config, c) {
		return nil, nil
	}
	end, err := s.opts.Reader.End(c.StreamARN)
	if err != nil {
		return nil, err
	}
	p := &poller{s: s, config: c, filter: f, done: make(chan struct{}), dealtWith: make(map[string]bool)}
	if c.StartingPosition == Latest {
		p.initial = end
	}
	p.stopped, p.stop = context.WithCancel(s.hard)
	return p, nil
}

// leave ends the poller once its batches are done. Under Service.mu.
func (p *poller) leave() {
	p.leaving = true
	p.stop()
}

// run works until the poller leaves, after the one before it, if any, has
// ended.
func (p *poller) run(before *poller) {
	defer close(p.done)
	if before != nil {
		<-before.done
		if err := p.restore(); err != nil {
			p.s.log.Error("event source mapping does not start", "mapping", p.config.UUID, "err", err)
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

// read hands on records until the poller stops.
func (p *poller) read(lanes []chan []Record) {
	after, complaint := p.after, ""
	for p.stopped.Err() == nil {
		changed, err := p.s.opts.Reader.Changed(p.config.StreamARN)
		var records []Record
		if err == nil {
			records, err = p.s.opts.Reader.Read(p.config.StreamARN, after, readLimit)
		}
		switch {
		case err != nil:
			if err.Error() != complaint { // once, not every second
				p.s.log.Error("stream cannot be read", "mapping", p.config.UUID, "stream",
					p.config.StreamARN, "err", err)
				complaint = err.Error()
			}
			p.pause(readPause)
		case len(records) == 0:
			select {
			case <-changed:
			case <-p.stopped.Done():
			}
		default:
			complaint = ""
			after = records[len(records)-1].SequenceNumber
			p.distribute(records, lanes)
		}
	}
}

// pause waits for a time, or until the poller stops: then it returns false.
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

// distribute gives each lane its records: all those of an item to the same.
func (p *poller) distribute(records []Record, lanes []chan []Record) {
	p.mu.Lock()
	for _, r := range records {
		p.underway = append(p.underway, r.SequenceNumber)
	}
	p.mu.Unlock()
	pages := make([][]Record, len(lanes))
	var passedOver []Record
	for _, r := range records {
		if !p.filter.admits(r.Event) {
			passedOver = append(passedOver, r)
			continue
		}
		h := fnv.New32a()
		h.Write([]byte(r.Item))
		i := int(h.Sum32() % uint32(len(lanes)))
		pages[i] = append(pages[i], r)
	}
	if len(passedOver) > 0 {
		p.settle(passedOver)
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

// settle says that records are dealt with: delivered, given up or passed over.
// The position moves up to the first that is not.
func (p *poller) settle(records []Record) {
	p.mu.Lock()
	for _, r := range records {
		p.dealtWith[r.SequenceNumber] = true
	}
	n := 0
	for n < len(p.underway) && p.dealtWith[p.underway[n]] {
		delete(p.dealtWith, p.underway[n])
		p.after = p.underway[n]
		n++
	}
	p.underway = slices.Delete(p.underway, 0, n)
	p.mu.Unlock()
	p.save()
}

// save brings the file up to date. What is lost when it fails is delivered
// again.
func (p *poller) save() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saved == p.after {
		return
	}
	if err := p.s.savePosition(p.config, p.after); err != nil {
		p.s.log.Error("position of event source mapping is not saved", "mapping", p.config.UUID, "err", err)
		return
	}
	p.saved = p.after
}
