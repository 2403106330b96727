package eventsource

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// The bounds of mappings with streams (API reference,
// CreateEventSourceMapping).
const (
	maxBatchSize     = 10_000
	maxWindow        = 300 * time.Second
	maxParallel      = 10
	maxRetryAttempts = 10_000
	minRecordAge     = 60 * time.Second
	maxRecordAge     = 7 * 24 * time.Hour
)

// uuidPattern admits what can be the name of a file on every system.
var uuidPattern = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// check says what is wrong with the mapping, all of it.
func (c Config) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	refuse(!uuidPattern.MatchString(c.UUID), "UUID %q is not one", c.UUID)
	refuse(c.StreamARN == "", "StreamARN is empty")
	refuse(c.Function == "", "Function is empty")
	refuse(c.StartingPosition != TrimHorizon && c.StartingPosition != Latest,
		"StartingPosition is %q, not %s or %s", c.StartingPosition, TrimHorizon, Latest)
	refuse(c.BatchSize < 1 || c.BatchSize > maxBatchSize, "BatchSize is %d, not 1 to %d", c.BatchSize, maxBatchSize)
	refuse(c.MaximumBatchingWindow < 0 || c.MaximumBatchingWindow > maxWindow,
		"MaximumBatchingWindow is %v, not 0 s to %v", c.MaximumBatchingWindow, maxWindow)
	refuse(c.ParallelizationFactor < 1 || c.ParallelizationFactor > maxParallel,
		"ParallelizationFactor is %d, not 1 to %d", c.ParallelizationFactor, maxParallel)
	refuse(c.MaximumRetryAttempts > maxRetryAttempts, "MaximumRetryAttempts is %d, more than %d",
		c.MaximumRetryAttempts, maxRetryAttempts)
	refuse(c.MaximumRecordAge != 0 && (c.MaximumRecordAge < minRecordAge || c.MaximumRecordAge > maxRecordAge),
		"MaximumRecordAge is %v, not %v to %v", c.MaximumRecordAge, minRecordAge, maxRecordAge)
	return errors.Join(errs...)
}
