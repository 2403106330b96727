package eventsource

import "time"

const (
	// maxPayload bounds an event in bytes (Lambda quotas: 6 MB).
	maxPayload = 6 << 20
	// eventFrame is the size of an event without records.
	eventFrame = len(`{"Records":[]}`)
)

// eventOf returns the event of a batch.
func eventOf(batch []Record) []byte {
	b := make([]byte, 0, payloadSize(batch))
	b = append(b, `{"Records":[`...)
	for i, r := range batch {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r.Event...)
	}
	return append(b, ']', '}')
}

// payloadSize returns the size of the event of a batch in bytes, or one more.
func payloadSize(batch []Record) int {
	size := eventFrame
	for _, r := range batch {
		size += len(r.Event) + 1
	}
	return size
}

// cut takes a batch of at most size records and maxPayload bytes from the
// front.
func cut(held []Record, size int) (batch, rest []Record) {
	bytes := eventFrame
	for i, r := range held {
		if bytes += len(r.Event) + 1; i == size || i > 0 && bytes > maxPayload {
			return held[:i], held[i:]
		}
	}
	return held, nil
}

// lane delivers the records from in, batch by batch, until the poller stops.
// Records that it has not delivered by then are read again after a restart.
func (p *poller) lane(in <-chan []Record) {
	var held []Record
	for p.stopped.Err() == nil {
		if len(held) == 0 {
			select {
			case held = <-in:
			case <-p.stopped.Done():
				return
			}
		}
		held = p.gather(held, in)
		if p.stopped.Err() != nil {
			return
		}
		var batch []Record
		batch, held = cut(held, p.config.BatchSize)
		p.deliver(batch)
	}
}

// gather adds records from in to held: those that are there or, with a batching
// window, those that arrive until the batch is full or the window ends.
func (p *poller) gather(held []Record, in <-chan []Record) []Record {
	var windowEnd <-chan time.Time
	if p.config.MaximumBatchingWindow > 0 {
		t := time.NewTimer(p.config.MaximumBatchingWindow)
		defer t.Stop()
		windowEnd = t.C
	}
	for len(held) < p.config.BatchSize && payloadSize(held) < maxPayload {
		if windowEnd == nil {
			select {
			case page := <-in:
				held = append(held, page...)
				continue
			default:
				return held
			}
		}
		select {
		case page := <-in:
			held = append(held, page...)
		case <-windowEnd:
			return held
		case <-p.stopped.Done():
			return held
		}
	}
	return held
}
