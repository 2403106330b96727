package eventsource

import (
	"encoding/json"
	"time"
)

// retention is how long a stream keeps a record; an older one is discarded
// (DynamoDB Developer Guide, "DynamoDB Streams": 24 hours).
const retention = 24 * time.Hour

// maxDelayFactor bounds the doubling of Options.RetryDelay.
const maxDelayFactor = 64

// part is a batch, or the rest of one after a split or a partial success.
type part struct {
	records  []Record
	invoked  int // how often the function has failed with it
	retries  int // how many of these failures led to a retry
	response Response
}

// deliver delivers or discards every record of a batch, unless the poller stops
// first.
func (p *poller) deliver(batch []Record) {
	parts := []part{{records: batch}}
	refused := 0 // successive attempts in which the function did not run
	for len(parts) > 0 {
		t := parts[0]
		if t.records = p.discardOld(t); len(t.records) == 0 {
			parts = parts[1:]
			continue
		}
		response, err := p.s.opts.Invoker.Invoke(p.s.running, p.config.Function, eventOf(t.records))
		if err != nil {
			if p.s.running.Err() == nil && refused == 0 {
				p.s.log.Warn("the function of an event source mapping did not run", "mapping", p.config.UUID,
					"function", p.config.Function, "err", err)
			}
			parts[0] = t
			if !p.pause(p.delay(refused)) {
				return
			}
			refused++
			continue
		}
		refused = 0
		succeeded := p.succeeded(t.records, response)
		if succeeded > 0 {
			p.settle(t.records[:succeeded])
			t.records = t.records[succeeded:]
		}
		if len(t.records) == 0 {
			parts = parts[1:]
			continue
		}
		t.invoked++
		t.response = response
		n := len(t.records)
		switch {
		case p.config.BisectBatchOnFunctionError && succeeded == 0 && n > 1:
			left, right := t, t
			left.records, right.records = t.records[:n/2], t.records[n/2:]
			parts = append([]part{left, right}, parts[1:]...)
		case p.config.MaximumRetryAttempts >= 0 && t.retries >= p.config.MaximumRetryAttempts:
			p.discard(t, t.records, "RetryAttemptsExhausted")
			parts = parts[1:]
		default:
			t.retries++
			parts[0] = t
			if !p.pause(p.delay(t.retries - 1)) {
				return
			}
		}
		if p.stopped.Err() != nil {
			return
		}
	}
}

// delay returns the pause before the next attempt, after n pauses.
func (p *poller) delay(n int) time.Duration {
	factor := maxDelayFactor
	if n < 6 {
		factor = 1 << n
	}
	return time.Duration(factor) * p.s.opts.RetryDelay
}

// discardOld discards the records of a part that are too old and returns the
// rest.
func (p *poller) discardOld(t part) []Record {
	limit := retention
	if p.config.MaximumRecordAge != 0 {
		limit = min(limit, p.config.MaximumRecordAge)
	}
	oldest := p.s.opts.Now().Add(-limit)
	n := 0
	for n < len(t.records) && t.records[n].Created.Before(oldest) {
		n++
	}
	if n > 0 {
		p.discard(t, t.records[:n], "RecordAgeExceeded")
	}
	return t.records[n:]
}

// succeeded returns how many records, from the first, the function has
// processed.
func (p *poller) succeeded(batch []Record, r Response) int {
	switch {
	case r.FunctionError != "":
		return 0
	case !p.config.ReportBatchItemFailures:
		return len(batch)
	}
	return reported(batch, r.Payload)
}

// reported returns how many records succeeded according to a partial batch
// response (Lambda Developer Guide, "Configuring partial batch response with
// DynamoDB and Lambda"): all if there are no failures, none if a failure names
// no record of the batch, otherwise those before the first failed record.
func reported(batch []Record, payload []byte) int {
	var answer *struct {
		BatchItemFailures []struct {
			ItemIdentifier *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if len(payload) == 0 {
		return len(batch)
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return 0
	}
	if answer == nil {
		return len(batch)
	}
	places := make(map[string]int, len(batch))
	for i, r := range batch {
		places[r.SequenceNumber] = i
	}
	first := len(batch)
	for _, f := range answer.BatchItemFailures {
		if f.ItemIdentifier == nil {
			return 0
		}
		i, ok := places[*f.ItemIdentifier]
		if !ok {
			return 0
		}
		first = min(first, i)
	}
	return first
}
