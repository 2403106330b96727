package dynamodb

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// operation runs one request: JSON in, JSON out.
type operation func(e *Engine, ctx context.Context, body []byte) ([]byte, error)

// operations are those that exist; any other name is UnknownOperationException.
var operations = map[string]operation{
	"BatchExecuteStatement":               serve((*Engine).batchExecuteStatement),
	"BatchGetItem":                        serve((*Engine).batchGetItem),
	"BatchWriteItem":                      serve((*Engine).batchWriteItem),
	"CreateTable":                         serve((*Engine).createTable),
	"DeleteItem":                          serve((*Engine).deleteItem),
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
	"PutItem":                             serve((*Engine).putItem),
	"PutResourcePolicy":                   serve((*Engine).putResourcePolicy),
	"Query":                               serve((*Engine).query),
	"Scan":                                serve((*Engine).scan),
	"TagResource":                         serve((*Engine).tagResource),
	"TransactGetItems":                    serve((*Engine).transactGetItems),
	"TransactWriteItems":                  serve((*Engine).transactWriteItems),
	"UntagResource":                       serve((*Engine).untagResource),
	"UpdateContinuousBackups":             serve((*Engine).updateContinuousBackups),
	"UpdateContributorInsights":           serve((*Engine).updateContributorInsights),
	"UpdateItem":                          serve((*Engine).updateItem),
	"UpdateTable":                         serve((*Engine).updateTable),
	"UpdateTimeToLive":                    serve((*Engine).updateTimeToLive),
}

// appender is an answer with items, which it writes faster than reflection
// does.
type appender interface {
	appendJSON() ([]byte, error)
}

// serve puts JSON around a typed operation.
func serve[In, Out any](run func(*Engine, context.Context, *In) (*Out, error)) operation {
	return func(e *Engine, ctx context.Context, body []byte) ([]byte, error) {
		in := new(In)
		if err := decode(body, in); err != nil {
			return nil, err
		}
		out, err := run(e, ctx, in)
		if err != nil {
			return nil, err
		}
		if a, ok := any(out).(appender); ok {
			return a.appendJSON()
		}
		answer, err := json.Marshal(out)
		if err != nil {
			return nil, fmt.Errorf("encode the answer: %w", err)
		}
		return answer, nil
	}
}

// decode reads a request body. Unknown members are ignored, as AWS does it.
func decode(body []byte, in any) error {
	err := json.Unmarshal(body, in)
	if err == nil {
		return nil
	}
	var (
		validation    *attr.ValidationError
		serialization *attr.SerializationError
		semantic      *json.SemanticError
	)
	switch {
	case errors.As(err, &validation), errors.As(err, &serialization):
		return err
	case errors.As(err, &semantic):
		return serviceError("SerializationException", "%s", misfit(semantic))
	default:
		return serviceError("SerializationException", "The request body is not valid JSON")
	}
}

// misfit is AWS's text for JSON of the wrong type.
func misfit(err *json.SemanticError) string {
	switch err.JSONKind {
	case jsontext.KindBeginObject:
		return "Start of structure or map found where not expected."
	case jsontext.KindBeginArray:
		return "Start of list found where not expected"
	}
	found, ok := map[jsontext.Kind]string{
		jsontext.KindString: "STRING_VALUE",
		jsontext.KindNumber: "NUMBER_VALUE",
		jsontext.KindTrue:   "TRUE_VALUE",
		jsontext.KindFalse:  "FALSE_VALUE",
	}[err.JSONKind]
	if !ok || err.GoType == nil {
		return "Unexpected field type"
	}
	wanted := err.GoType
	for wanted.Kind().String() == "ptr" {
		wanted = wanted.Elem()
	}
	switch wanted.Kind().String() {
	case "string":
		return found + " cannot be converted to String"
	case "bool":
		return found + " cannot be converted to Boolean"
	case "int", "int64":
		return found + " cannot be converted to Long"
	default:
		return "Unexpected field type"
	}
}
