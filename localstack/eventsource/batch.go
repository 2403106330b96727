package eventsource

import (
	"time"
)

const (
	// maxPayload is the most bytes of an event (Lambda quotas: 6 MB).
	maxPayload = 6 << 20
	// eventFrame is what an event has around its records.
	eventFrame = len(`{"Records":[]}`)
)

// eventOf makes the event of a batch.
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

func payloadSize(batch []Record) int {
	size := eventFrame
	for _, r := range batch {
		size += len(r.Event) + 1
	}
	return size
}

// cut takes a batch of at most size records from the front, within the payload.
func cut(held []Record, size int) (batch, rest []Record) {
	bytes := eventFrame
	for i, r := range held {
		if bytes += len(r.Event) + 1; i == size || i > 0 && bytes > maxPayload {
			return held[:i], held[i:]
		}
	}
	return held, nil
}

// lane delivers the records that come in, batch after batch, until the poller
// stops. Records that it has not begun with by then are read again.
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

// gather adds to held what has come in, and with a window what comes until the
// batch is full or the window over.
func (p *poller) gather(held []Record, in <-chan []Record) []Record {
	var over <-chan time.Time
	if p.config.MaximumBatchingWindow > 0 {
		t := time.NewTimer(p.config.MaximumBatchingWindow)
		defer t.Stop()
		over = t.C
	}
	for len(held) < p.config.BatchSize && payloadSize(held) < maxPayload {
		if over == nil {
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
		case <-over:
			return held
		case <-p.stopped.Done():
			return held
		}
	}
	return held
}
