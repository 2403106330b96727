package iam

import (
	"encoding/json"
	"hash/crc32"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/localstack/trace"
)

const (
	dynamoDBTarget = "DynamoDB_20120810."
	streamsTarget  = "DynamoDBStreams_20120810."
	// maxDynamoDBBody is DynamoDB's limit of a request in bytes.
	maxDynamoDBBody = 16 << 20
)

// DynamoDB guards a handler of the DynamoDB and DynamoDB Streams protocols.
//
// A request needs its own action on its table, or on the index that Query and
// Scan name. A batch needs it on each table; a transaction needs PutItem,
// UpdateItem, DeleteItem, ConditionCheckItem or GetItem for each of its items;
// a PartiQL statement needs PartiQLSelect, PartiQLInsert, PartiQLUpdate or
// PartiQLDelete (service authorization reference, DynamoDB).
func (g *Guard) DynamoDB(next http.Handler) http.Handler {
	return g.wrap(next, guard{
		kind:     trace.Request,
		demands:  g.dynamoDBDemands,
		describe: describeDynamoDB,
		deny:     denyDynamoDB,
	})
}

func dynamoDBOperation(r *http.Request) (string, bool) {
	target := r.Header.Get("X-Amz-Target")
	operation, ok := strings.CutPrefix(target, dynamoDBTarget)
	if !ok {
		operation, ok = strings.CutPrefix(target, streamsTarget)
	}
	return operation, ok && operation != ""
}

func describeDynamoDB(r *http.Request, refused demand) trace.Event {
	operation, _ := dynamoDBOperation(r)
	return trace.Event{Operation: operation, Resource: tableName(refused.resource)}
}

// tableName is the table in the ARN of a table, an index or a stream.
func tableName(arn string) string {
	_, rest, _ := strings.Cut(arn, ":table/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func (g *Guard) tableARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name // TableName takes an ARN too
	}
	return g.arn("dynamodb", g.opts.Region, "table/"+name)
}

// tableRequest is what says which resources a request is about.
type tableRequest struct {
	TableName, IndexName, ResourceArn, StreamArn, ShardIterator string
	RequestItems                                                map[string]jsontext.Value
	TransactItems                                               []map[string]jsontext.Value
	Statement                                                   string
	Statements, TransactStatements                              []struct{ Statement string }
}

func (g *Guard) dynamoDBDemands(r *http.Request) ([]demand, *http.Request) {
	operation, ok := dynamoDBOperation(r)
	if !ok {
		return nil, r
	}
	body, on, ok := takeBody(r, maxDynamoDBBody)
	if !ok {
		return nil, on
	}
	var in tableRequest
	if jsonv2.Unmarshal(body, &in) != nil {
		return nil, on
	}
	d := dynamoDBDemands{guard: g, http: httpKeys{r}, operation: operation}
	switch operation {
	case "BatchGetItem", "BatchWriteItem":
		for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
			d.add(operation, table, "", in.RequestItems[table])
		}
	case "TransactGetItems", "TransactWriteItems":
		d.enclosing = operation
		for _, item := range in.TransactItems {
			for kind, part := range item {
				d.addTransact(kind, part)
			}
		}
	case "ExecuteStatement":
		d.addStatement(in.Statement)
	case "BatchExecuteStatement":
		for _, s := range in.Statements {
			d.addStatement(s.Statement)
		}
	case "ExecuteTransaction":
		d.enclosing = operation
		for _, s := range in.TransactStatements {
			d.addStatement(s.Statement)
		}
	case "ListTables":
		d.addARN(operation, g.tableARN("*"))
	case "ListStreams":
		table := in.TableName
		if table == "" {
			table = "*"
		}
		d.addARN(operation, g.tableARN(table)+"/stream/*")
	case "GetRecords":
		// An iterator begins with the ARN of its stream, as on AWS.
		if arn, _, ok := strings.Cut(in.ShardIterator, "|"); ok && strings.HasPrefix(arn, "arn:") {
			d.addARN(operation, arn)
		}
	case "DescribeStream", "GetShardIterator":
		if in.StreamArn != "" {
			d.addARN(operation, in.StreamArn)
		}
	case "TagResource", "UntagResource", "ListTagsOfResource":
		if in.ResourceArn != "" {
			d.addARN(operation, in.ResourceArn)
		}
	case "DescribeLimits", "DescribeEndpoints":
		d.addARN(operation, "*")
	default:
		if in.TableName != "" {
			d.add(operation, in.TableName, in.IndexName, body)
		}
	}
	return d.list, on
}

// dynamoDBDemands collects what one request needs.
type dynamoDBDemands struct {
	guard                *Guard
	http                 httpKeys
	operation, enclosing string
	list                 []demand
}

// add demands an action on a table or index; part is the request, or its part
// for this table.
func (d *dynamoDBDemands) add(action, table, index string, part []byte) {
	resource := d.guard.tableARN(table)
	if index != "" {
		resource += "/index/" + index
	}
	d.list = append(d.list, demand{"dynamodb:" + action, resource,
		&itemKeys{
			http:      d.http,
			guard:     d.guard,
			action:    action,
			enclosing: d.enclosing,
			table:     table,
			index:     index,
			part:      part,
		}})
}

func (d *dynamoDBDemands) addARN(action, arn string) {
	d.list = append(d.list, demand{"dynamodb:" + action, arn, d.http})
}

// transactActions are the permissions that items of a transaction need.
var transactActions = map[string]string{
	"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
	"ConditionCheck": "ConditionCheckItem",
}

func (d *dynamoDBDemands) addTransact(kind string, part []byte) {
	var in struct{ TableName string }
	if action := transactActions[kind]; action != "" && jsonv2.Unmarshal(part, &in) == nil && in.TableName != "" {
		d.add(action, in.TableName, "", part)
	}
}

func (d *dynamoDBDemands) addStatement(statement string) {
	if action, table, index := partiQL(statement); table != "" {
		d.add(action, table, index, nil)
	}
}

func denyDynamoDB(w http.ResponseWriter, d *Denied, requestID string) int {
	body, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string
	}{"com.amazon.coral.service#" + accessDenied, d.Error()})
	if err != nil {
		panic(err) // two strings
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // fails only for a client that has gone
	return http.StatusBadRequest
}
