package stack

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/eventsource"
	"github.com/sotto-chat/sotto/localstack/lambda"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// streamReader lets event source mappings read the engine's streams.
type streamReader struct{ *dynamodb.Engine }

var _ eventsource.Reader = streamReader{}

func (r streamReader) Read(stream, after string, limit int) ([]eventsource.Record, error) {
	records, err := r.ReadStream(stream, after, limit)
	if err != nil {
		return nil, err
	}
	list := make([]eventsource.Record, len(records))
	for i, record := range records {
		list[i] = eventsource.Record(record)
	}
	return list, nil
}

func (r streamReader) End(stream string) (string, error) { return r.StreamEnd(stream) }

func (r streamReader) Changed(stream string) (<-chan struct{}, error) { return r.StreamChanged(stream) }

// streamInvoker lets event source mappings invoke functions.
type streamInvoker struct{ *lambda.Service }

var _ eventsource.Invoker = streamInvoker{}

func (i streamInvoker) Invoke(ctx context.Context, function string, payload []byte) (eventsource.Response, error) {
	result, err := i.Service.Invoke(ctx, function, payload)
	return eventsource.Response{
		Payload:       result.Payload,
		FunctionError: result.FunctionError,
		RequestID:     result.RequestID,
	}, err
}

// eventSources returns the event source mappings.
func eventSources(plan *sam.Plan) []eventsource.Config {
	var list []eventsource.Config
	for _, e := range plan.EventSources {
		if !runs(plan, e.FunctionARN) {
			continue
		}
		c := eventsource.Config{
			UUID:                       e.ID,
			StreamARN:                  e.StreamARN,
			Function:                   e.FunctionARN,
			StartingPosition:           e.StartingPosition,
			BatchSize:                  e.BatchSize,
			MaximumBatchingWindow:      e.MaximumBatchingWindow,
			ParallelizationFactor:      e.ParallelizationFactor,
			MaximumRetryAttempts:       e.MaximumRetryAttempts,
			MaximumRecordAge:           e.MaximumRecordAge,
			BisectBatchOnFunctionError: e.BisectBatchOnFunctionError,
			ReportBatchItemFailures:    e.ReportBatchItemFailures,
			OnFailure:                  e.OnFailure,
			Enabled:                    e.Enabled,
		}
		for _, p := range e.FilterPatterns {
			c.FilterPatterns = append(c.FilterPatterns, string(p))
		}
		list = append(list, c)
	}
	return list
}
