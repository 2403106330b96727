package eventsource

import (
	"encoding/json"
	"time"
)

// retention is how long a stream keeps a record: an older one is given up
// ("DynamoDB Streams" in the Developer Guide: 24 hours).
const retention = 24 * time.Hour

// maxDelayFactor bounds the doubling of Options.RetryDelay.
const maxDelayFactor = 64

// part is a batch, or what bisecting and partial success have left of one.
type part struct {
	records  []Record
	invoked  int // how often the function has failed with it
	retries  int // of these, how many count as attempts
	response Response
}

// deliver brings a batch to its end: every record is delivered or given up,
// unless the poller stops.
func (p *poller) deliver(batch []Record) {
	parts := []part{{records: batch}}
	refused := 0 // attempts in a row in which the function did not run
	for len(parts) > 0 {
		t := parts[0]
		if t.records = p.dropOld(t); len(t.records) == 0 {
			parts = parts[1:]
			continue
		}
		response, err := p.s.opts.Invoker.Invoke(p.s.hard, p.config.Function, eventOf(t.records))
		if err != nil {
			if p.s.hard.Err() == nil && refused == 0 {
				p.s.log.Warn("function of an event source mapping cannot run", "mapping", p.config.UUID,
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

// delay is the pause after n others in a row.
func (p *poller) delay(n int) time.Duration {
	factor := maxDelayFactor
	if n < 6 {
		factor = 1 << n
	}
	return time.Duration(factor) * p.s.opts.RetryDelay
}

// dropOld gives up the records of a part that are too old, and returns the
// others.
func (p *poller) dropOld(t part) []Record {
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

// succeeded says how many records from the first on the function has done.
func (p *poller) succeeded(batch []Record, r Response) int {
	switch {
	case r.FunctionError != "":
		return 0
	case !p.config.ReportBatchItemFailures:
		return len(batch)
	}
	return reported(batch, r.Payload)
}

// reported reads a partial batch response ("Configuring partial batch response
// with DynamoDB and Lambda"): without failures the batch has succeeded, with a
// failure that names no record of it all has failed, else all before the first
// record that is named.
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
