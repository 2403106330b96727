package sam

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The properties of a mapping, and what SAM's event of type DynamoDB shares
// with it (CreateEventSourceMapping, SAM specification DynamoDB).
var (
	startingPosition = words("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")
	sourceSettings   = props{
		"BatchSize": between(1, 10000), "BisectBatchOnFunctionError": toggle,
		"DestinationConfig": anything, "Enabled": toggle,
		"FilterCriteria":        objectOf(props{"Filters": listOf(objectOf(props{"Pattern": str}))}),
		"FunctionResponseTypes": listOf(words("ReportBatchItemFailures")),
		"KmsKeyArn":             str, "LoggingConfig": anything, "MaximumBatchingWindowInSeconds": integer,
		"MaximumRecordAgeInSeconds": integer,
		"MaximumRetryAttempts":      integer, "MetricsConfig": anything,
		"ParallelizationFactor": between(1, 10), "ProvisionedPollerConfig": anything,
		"ScalingConfig": anything, "StartingPosition": startingPosition, "StartingPositionTimestamp": decimal,
		"TumblingWindowInSeconds": integer,
	}
	sourceMapping = objectOf(sourceSettings.and(props{
		"AmazonManagedKafkaEventSourceConfig": anything, "DocumentDBEventSourceConfig": anything,
		"EventSourceArn": str, "FunctionName": must(str),
		"Queues": strList, "SelfManagedEventSource": anything,
		"SelfManagedKafkaEventSourceConfig": anything, "SourceAccessConfigurations": anything,
		"Tags": tagList, "Topics": strList,
	}))
	samDynamoDBEvent = objectOf(sourceSettings.and(props{"Stream": must(str),
		"StartingPosition": must(startingPosition)}))
)

// and adds further properties to a copy of p.
func (p props) and(more props) props {
	all := props{}
	for _, from := range []props{p, more} {
		for name, s := range from {
			all[name] = s
		}
	}
	return all
}

// eventSources reads the mappings from table streams to functions.
func (l *loader) eventSources() {
	for _, res := range l.live("AWS::Lambda::EventSourceMapping") {
		p := res.props
		source := p.get("EventSourceArn")
		if source == nil {
			l.note(l.written(res), res.id, res.typ, "only table streams feed functions locally")
			continue
		}
		if !source.known() {
			continue
		}
		if service := arnService(source.text); service != "dynamodb" {
			l.note(source, res.id, res.typ, "only table streams feed functions locally, not "+quote(source.text))
			continue
		}
		f := l.targetFunction(p.get("FunctionName"))
		table := l.streamOf(source)
		if f == nil || table == nil {
			continue
		}
		s := EventSource{
			origin:                     l.origin(res),
			LogicalID:                  res.id,
			ID:                         res.ref,
			ARN:                        res.attrs["EventSourceMappingArn"],
			FunctionLogicalID:          f.LogicalID,
			FunctionARN:                l.functionARN(p.str("FunctionName"), f),
			StreamARN:                  source.text,
			TableLogicalID:             table.LogicalID,
			StartingPosition:           p.str("StartingPosition"),
			BatchSize:                  p.intOr("BatchSize", 100), // this default and those below are Lambda's
			MaximumBatchingWindow:      time.Duration(p.intOr("MaximumBatchingWindowInSeconds", 0)) * time.Second,
			ParallelizationFactor:      p.intOr("ParallelizationFactor", 1),
			MaximumRetryAttempts:       p.intOr("MaximumRetryAttempts", -1),
			MaximumRecordAge:           time.Duration(max(0, p.intOr("MaximumRecordAgeInSeconds", -1))) * time.Second,
			BisectBatchOnFunctionError: p.boolOr("BisectBatchOnFunctionError", false),
			ReportBatchItemFailures:    len(p.strs("FunctionResponseTypes")) > 0,
			FilterPatterns:             l.filterPatterns(p.get("FilterCriteria")),
			OnFailure:                  p.get("DestinationConfig").get("OnFailure").str("Destination"),
			Enabled:                    p.boolOr("Enabled", true),
		}
		l.checkSource(res)
		if s.OnFailure != "" {
			l.note(p.get("DestinationConfig"), res.id, res.typ,
				"discarded batches are not sent to "+quote(s.OnFailure)+" locally")
		}
		l.plan.EventSources = append(l.plan.EventSources, s)
	}
}

// streamOf finds the table whose stream has that ARN.
func (l *loader) streamOf(arn *value) *Table {
	for i := range l.plan.Tables {
		if t := &l.plan.Tables[i]; t.StreamARN == arn.text && t.StreamARN != "" {
			return t
		}
	}
	l.fail(arn, quote(arn.text)+" is not the stream of a table of this template",
		"refer to one with !GetAtt Table.StreamArn")
	return nil
}

// checkSource refuses what Lambda refuses of a mapping from a table's stream,
// and what has no meaning here but would change what the function sees.
func (l *loader) checkSource(res *resource) {
	p := res.props
	switch position := p.get("StartingPosition"); {
	case position == nil && !res.generated: // else the event is checked
		l.fail(res.at, "StartingPosition is missing", "add StartingPosition: LATEST or TRIM_HORIZON")
	case position.scalar() == "AT_TIMESTAMP":
		l.fail(position, "table streams do not start at a time", "use LATEST or TRIM_HORIZON")
	}
	limit := func(name string, unlimited bool, low, high int) {
		v := p.get(name)
		n, ok := v.asInt()
		switch {
		case !ok || n >= low && n <= high || unlimited && n == -1:
		case unlimited:
			l.fail(v, fmt.Sprintf("is %d", n), fmt.Sprintf("use %d to %d, or -1 for no limit", low, high))
		default:
			l.fail(v, fmt.Sprintf("is %d", n), fmt.Sprintf("use %d to %d", low, high))
		}
	}
	limit("MaximumBatchingWindowInSeconds", false, 0, 300)
	limit("MaximumRetryAttempts", true, 0, 10000)
	limit("MaximumRecordAgeInSeconds", true, 60, 604800)
	if n, _ := p.get("TumblingWindowInSeconds").asInt(); n != 0 {
		l.fail(p.get("TumblingWindowInSeconds"), "tumbling windows are not run locally",
			"remove it, or set it by a condition for AWS only")
	}
	for _, name := range []string{"Queues", "Topics", "ScalingConfig"} {
		if v := p.get(name); v != nil {
			l.fail(v, "does not go with a table's stream", "remove it")
		}
	}
}

// filterPatterns reads the filters of a mapping, which are JSON as text.
func (l *loader) filterPatterns(criteria *value) []json.RawMessage {
	var out []json.RawMessage
	filters := criteria.each("Filters")
	// Lambda takes five (Lambda quotas); more only by an increase of the quota.
	if len(filters) > 10 {
		l.fail(criteria, "has more than 10 filters", "join some with $or")
	}
	for _, f := range filters {
		pattern := f.get("Pattern")
		if !pattern.known() {
			continue
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(pattern.text), &object); err != nil {
			l.fail(pattern, "is not a JSON object", `write JSON in quotes, such as '{"eventName": ["INSERT"]}'`)
			continue
		}
		out = append(out, json.RawMessage(pattern.text))
	}
	return out
}

// functionARN completes what a template may write for a function: its name,
// or an ARN, with a qualifier or without.
func (l *loader) functionARN(written string, f *Function) string {
	if strings.HasPrefix(written, "arn:") {
		return written
	}
	if _, qualifier, ok := strings.Cut(written, ":"); ok {
		return f.ARN + ":" + qualifier
	}
	return f.ARN
}

// arnService is the service of an ARN, or "".
func arnService(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 || parts[0] != "arn" {
		return ""
	}
	return parts[2]
}
