package build

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/sam/check"
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// EventSources builds AWS::Lambda::EventSourceMapping if the source is the
// stream of a table.
func EventSources(s *resource.Set) {
	for _, res := range s.Active("AWS::Lambda::EventSourceMapping") {
		if source := tableStream(s, res); source != nil {
			eventSource(s, res, source)
		}
	}
}

// tableStream returns EventSourceArn if it is a stream of DynamoDB. Any other
// source is noted.
func tableStream(s *resource.Set, res *template.Resource) *template.Value {
	source := res.Properties.Get("EventSourceArn")
	switch {
	case source == nil:
		s.NoteResource(res, "only table streams feed functions locally")
		return nil
	case !source.Known():
		return nil
	case !isDynamoDB(source.Text):
		s.Note(source, s.LogicalID(res), res.Type, "only table streams feed functions locally, not "+
			template.Quote(source.Text))
		return nil
	}
	return source
}

// isDynamoDB reports whether an ARN is one of DynamoDB.
func isDynamoDB(arn string) bool {
	parts := strings.SplitN(arn, ":", 4)
	return len(parts) == 4 && parts[0] == "arn" && parts[2] == "dynamodb"
}

// eventSource adds a mapping to the plan. The defaults are those of
// CreateEventSourceMapping.
func eventSource(s *resource.Set, res *template.Resource, source *template.Value) {
	p := res.Properties
	f := s.TargetFunction(p.Get("FunctionName"))
	table := streamTable(s, source)
	if f == nil || table == nil {
		return
	}
	src := plan.EventSource{
		Origin:                     s.Origin(res),
		LogicalID:                  s.LogicalID(res),
		ID:                         res.Ref,
		ARN:                        res.Attributes["EventSourceMappingArn"],
		FunctionLogicalID:          f.LogicalID,
		FunctionARN:                functionARN(p.Str("FunctionName"), f),
		StreamARN:                  source.Text,
		TableLogicalID:             table.LogicalID,
		StartingPosition:           p.Str("StartingPosition"),
		BatchSize:                  p.IntOr("BatchSize", 100),
		MaximumBatchingWindow:      seconds(p, "MaximumBatchingWindowInSeconds", 0),
		ParallelizationFactor:      p.IntOr("ParallelizationFactor", 1),
		MaximumRetryAttempts:       p.IntOr("MaximumRetryAttempts", -1),
		MaximumRecordAge:           max(0, seconds(p, "MaximumRecordAgeInSeconds", -time.Second)),
		BisectBatchOnFunctionError: p.BoolOr("BisectBatchOnFunctionError", false),
		ReportBatchItemFailures:    len(p.Strings("FunctionResponseTypes")) > 0,
		FilterPatterns:             filterPatterns(s, p.Get("FilterCriteria")),
		OnFailure:                  p.Get("DestinationConfig").Get("OnFailure").Str("Destination"),
		Enabled:                    p.BoolOr("Enabled", true),
	}
	check.Source(s, res)
	if src.OnFailure != "" {
		s.Note(p.Get("DestinationConfig"), s.LogicalID(res), res.Type,
			"discarded batches are not sent to "+template.Quote(src.OnFailure)+" locally")
	}
	s.Plan.EventSources = append(s.Plan.EventSources, src)
}

// streamTable returns the table whose stream has that ARN. A stream that is not
// in the template is a mistake.
func streamTable(s *resource.Set, arn *template.Value) *plan.Table {
	for i := range s.Plan.Tables {
		if t := &s.Plan.Tables[i]; t.StreamARN == arn.Text && t.StreamARN != "" {
			return t
		}
	}
	s.Fail(arn, template.Quote(arn.Text)+" is not the stream of a table of this template",
		"refer to one with !GetAtt Table.StreamArn")
	return nil
}

// filterPatterns reads the filters of a mapping, which are JSON as text.
func filterPatterns(s *resource.Set, criteria *template.Value) []json.RawMessage {
	filters := criteria.Each("Filters")
	// Lambda allows five, and ten after an increase of the quota (Lambda
	// quotas).
	if len(filters) > 10 {
		s.Fail(criteria, "has more than 10 filters", "join some with $or")
	}
	var out []json.RawMessage
	for _, f := range filters {
		pattern := f.Get("Pattern")
		if !pattern.Known() {
			continue
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(pattern.Text), &object); err != nil {
			s.Fail(pattern, "is not a JSON object", `write JSON in quotes, such as '{"eventName": ["INSERT"]}'`)
			continue
		}
		out = append(out, json.RawMessage(pattern.Text))
	}
	return out
}

// functionARN returns the ARN of f with the qualifier that the template writes.
// The template has an ARN or a name, each with or without a qualifier.
func functionARN(written string, f *plan.Function) string {
	if strings.HasPrefix(written, "arn:") {
		return written
	}
	if _, qualifier, ok := strings.Cut(written, ":"); ok {
		return f.ARN + ":" + qualifier
	}
	return f.ARN
}
