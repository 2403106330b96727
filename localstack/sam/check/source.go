package check

import (
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// sourceLimits are the bounds of CreateEventSourceMapping that the shape does
// not have: for other sources they differ.
var sourceLimits = []limit{
	{property: "MaximumBatchingWindowInSeconds", low: 0, high: 300},
	{property: "MaximumRetryAttempts", low: 0, high: 10000, unlimited: true},
	{property: "MaximumRecordAgeInSeconds", low: 60, high: 604800, unlimited: true},
}

// Source refuses what Lambda refuses of a mapping from a table's stream, and
// what is not implemented locally but would change what the function receives.
func Source(s *resource.Set, res *template.Resource) {
	p := res.Properties
	switch position := p.Get("StartingPosition"); {
	case position == nil && !res.Generated: // the event of a generated one is checked
		s.Fail(res.At, "StartingPosition is missing", "add StartingPosition: LATEST or TRIM_HORIZON")
	case position.Scalar() == "AT_TIMESTAMP":
		s.Fail(position, "table streams do not support AT_TIMESTAMP", "use LATEST or TRIM_HORIZON")
	}
	for _, l := range sourceLimits {
		l.check(s.Report, p)
	}
	if n, _ := p.Get("TumblingWindowInSeconds").Int(); n != 0 {
		s.Fail(p.Get("TumblingWindowInSeconds"), "tumbling windows are not run locally",
			"remove it, or set it by a condition for AWS only")
	}
	for _, name := range []string{"Queues", "Topics", "ScalingConfig"} {
		if v := p.Get(name); v != nil {
			s.Fail(v, "does not apply to a table's stream", "remove it")
		}
	}
}
