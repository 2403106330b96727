package dynamodb

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// X-Amz-Target begins with one of these, followed by the operation's name.
const (
	targetPrefix        = "DynamoDB_20120810."
	streamsTargetPrefix = "DynamoDBStreams_20120810."
)

// operation runs one request. body and the result are JSON.
type operation func(e *Engine, ctx context.Context, body []byte) ([]byte, error)

// operations are the implemented operations of DynamoDB by name. Any other name
// is answered with UnknownOperationException.
var operations = map[string]operation{
	"BatchExecuteStatement":               serve((*Engine).batchExecuteStatement),
	"BatchGetItem":                        serve((*Engine).batchGetItem),
	"BatchWriteItem":                      serveTexts(olderTexts, (*Engine).batchWriteItem),
	"CreateTable":                         serve((*Engine).createTable),
	"DeleteItem":                          serveTexts(envelopedTexts, (*Engine).deleteItem),
	"DeleteResourcePolicy":                serve((*Engine).deleteResourcePolicy),
	"DeleteTable":                         serve((*Engine).deleteTable),
	"DescribeContinuousBackups":           serve((*Engine).describeContinuousBackups),
	"DescribeContributorInsights":         serve((*Engine).describeContributorInsights),
	"DescribeEndpoints":                   serve((*Engine).describeEndpoints),
	"DescribeKinesisStreamingDestination": serve((*Engine).describeKinesisDestination),
	"DescribeLimits":                      serve((*Engine).describeLimits),
	"DescribeTable":                       serve((*Engine).describeTable),
	"DescribeTimeToLive":                  serve((*Engine).describeTimeToLive),
	"DisableKinesisStreamingDestination":  serve((*Engine).disableKinesisDestination),
	"EnableKinesisStreamingDestination":   serve((*Engine).enableKinesisDestination),
	"ExecuteStatement":                    serve((*Engine).executeStatement),
	"ExecuteTransaction":                  serve((*Engine).executeTransaction),
	"GetItem":                             serve((*Engine).getItem),
	"GetResourcePolicy":                   serve((*Engine).getResourcePolicy),
	"ListTables":                          serve((*Engine).listTables),
	"ListTagsOfResource":                  serve((*Engine).listTagsOfResource),
	"PutItem":                             serveTexts(envelopedTexts, (*Engine).putItem),
	"PutResourcePolicy":                   serve((*Engine).putResourcePolicy),
	"Query":                               serve((*Engine).query),
	"Scan":                                serveTexts(olderTexts, (*Engine).scan),
	"TagResource":                         serve((*Engine).tagResource),
	"TransactGetItems":                    serveTexts(olderTexts, (*Engine).transactGetItems),
	"TransactWriteItems":                  serveTexts(olderTexts, (*Engine).transactWriteItems),
	"UntagResource":                       serve((*Engine).untagResource),
	"UpdateContinuousBackups":             serve((*Engine).updateContinuousBackups),
	"UpdateContributorInsights":           serve((*Engine).updateContributorInsights),
	"UpdateItem":                          serveTexts(envelopedTexts, (*Engine).updateItem),
	"UpdateTable":                         serve((*Engine).updateTable),
	"UpdateTimeToLive":                    serve((*Engine).updateTimeToLive),
}

// streamOperations are the operations of the DynamoDBStreams_20120810
// interface. A stream of this engine has one open shard. Another shard, the
// child of the last one, is added only when a disabled stream is enabled again.
var streamOperations = map[string]operation{
	"DescribeStream":   serve((*Engine).describeStream),
	"GetRecords":       serve((*Engine).getRecords),
	"GetShardIterator": serve((*Engine).getShardIterator),
	"ListStreams":      serve((*Engine).listStreams),
}

// operationAt returns the operation that an X-Amz-Target header names, or a nil
// run if it is not implemented.
func operationAt(target string) (name string, run operation) {
	name, streams := strings.CutPrefix(target, streamsTargetPrefix)
	if streams {
		return name, streamOperations[name]
	}
	name, ok := strings.CutPrefix(target, targetPrefix)
	if !ok {
		return name, nil
	}
	return name, operations[name]
}

// HasOperation reports whether this engine implements an operation.
func HasOperation(name string) bool {
	return operations[name] != nil || streamOperations[name] != nil
}

// appender is a response with items, which it encodes faster than reflection.
type appender interface {
	appendJSON() ([]byte, error)
}

// serve adapts an operation on Go types to one on JSON.
func serve[In, Out any](run func(*Engine, context.Context, *In) (*Out, error)) operation {
	return serveTexts(currentTexts, run)
}

// serveTexts is serve for an operation with other texts for malformed values.
func serveTexts[In, Out any](texts valueTexts, run func(*Engine, context.Context, *In) (*Out, error)) operation {
	return func(e *Engine, ctx context.Context, body []byte) ([]byte, error) {
		in := new(In)
		if err := decode(body, in); err != nil {
			return nil, texts.apply(err)
		}
		out, err := run(e, ctx, in)
		if err != nil {
			return nil, err
		}
		if a, ok := any(out).(appender); ok {
			return a.appendJSON()
		}
		text, err := json.Marshal(out)
		if err != nil {
			return nil, fmt.Errorf("encode the response: %w", err)
		}
		return text, nil
	}
}
