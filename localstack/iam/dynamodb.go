package iam

import (
	"cmp"
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
	// maxDynamoDBBody bounds a request in bytes (DynamoDB quotas).
	maxDynamoDBBody = 16 << 20
)

// DynamoDB returns a handler that checks permissions before it calls next, a
// handler of the DynamoDB and DynamoDB Streams protocols.
//
// A request needs the permission of its operation's name on its table, or on
// the index that Query and Scan name. A batch needs it on each table. A
// transaction needs PutItem, UpdateItem, DeleteItem, ConditionCheckItem or
// GetItem for each of its items. A PartiQL statement needs PartiQLSelect,
// PartiQLInsert, PartiQLUpdate or PartiQLDelete (service authorization
// reference, DynamoDB).
func (g *Guard) DynamoDB(next http.Handler) http.Handler {
	return g.wrap(next, middleware{
		kind:        trace.Request,
		permissions: g.dynamoDBPermissions,
		describe:    describeDynamoDB,
		deny:        denyDynamoDB,
	})
}

// dynamoDBOperation returns the operation of a request.
func dynamoDBOperation(r *http.Request) (string, bool) {
	target := r.Header.Get("X-Amz-Target")
	operation, ok := strings.CutPrefix(target, dynamoDBTarget)
	if !ok {
		operation, ok = strings.CutPrefix(target, streamsTarget)
	}
	return operation, ok && operation != ""
}

func describeDynamoDB(r *http.Request, refused permission) trace.Event {
	operation, _ := dynamoDBOperation(r)
	return trace.Event{Operation: operation, Resource: tableName(refused.resource)}
}

// tableName returns the table in the ARN of a table, an index or a stream.
func tableName(arn string) string {
	_, rest, _ := strings.Cut(arn, ":table/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// tableARN returns the ARN of a table that is given by name or ARN.
func (g *Guard) tableARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name // TableName accepts an ARN
	}
	return g.arn("dynamodb", "table/"+name)
}

// tableRequest has the members of a request that name its resources.
type tableRequest struct {
	TableName, IndexName, ResourceArn, StreamArn, ShardIterator string
	RequestItems                                                map[string]jsontext.Value
	TransactItems                                               []map[string]jsontext.Value
	Statement                                                   string
	Statements, TransactStatements                              []struct{ Statement string }
}

// dynamoDBPermissions returns what a request needs. It returns nothing for a
// request that it cannot read; the service refuses it.
func (g *Guard) dynamoDBPermissions(r *http.Request) ([]permission, *http.Request) {
	operation, ok := dynamoDBOperation(r)
	if !ok {
		return nil, r
	}
	body, next, ok := peekBody(r, maxDynamoDBBody)
	if !ok {
		return nil, next
	}
	p := dynamoDBPermissions{guard: g, http: httpKeys{r}, operation: operation}
	if jsonv2.Unmarshal(body, &p.in) != nil {
		return nil, next
	}
	switch operation {
	case "BatchGetItem", "BatchWriteItem":
		p.addBatch()
	case "TransactGetItems", "TransactWriteItems":
		p.addTransaction()
	case "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction":
		p.addStatements()
	default:
		if arn, ok := p.resourceARN(); ok {
			p.addARN(operation, arn)
		} else if p.in.TableName != "" {
			p.add(operation, p.in.TableName, p.in.IndexName, body)
		}
	}
	return p.list, next
}

// dynamoDBPermissions collects what one request needs.
type dynamoDBPermissions struct {
	guard                *Guard
	http                 httpKeys
	operation, enclosing string // enclosing is set within a transaction
	in                   tableRequest
	list                 []permission
}

// add appends an action on a table or index. part is the request, or its part
// for this table.
func (p *dynamoDBPermissions) add(action, table, index string, part []byte) {
	resource := p.guard.tableARN(table)
	if index != "" {
		resource += "/index/" + index
	}
	p.list = append(p.list, permission{"dynamodb:" + action, resource,
		&itemKeys{
			http:      p.http,
			guard:     p.guard,
			action:    action,
			enclosing: p.enclosing,
			table:     table,
			index:     index,
			part:      part,
		}})
}

// addARN appends an action on a resource that is given by its ARN. Without an
// ARN it appends nothing.
func (p *dynamoDBPermissions) addARN(action, arn string) {
	if arn != "" {
		p.list = append(p.list, permission{"dynamodb:" + action, arn, p.http})
	}
}

// resourceARN returns the resource of an operation that is not about one table.
// The ARN is empty if the request does not name one; ok is false for operations
// on a table.
func (p *dynamoDBPermissions) resourceARN() (arn string, ok bool) {
	switch p.operation {
	case "ListTables":
		return p.guard.tableARN("*"), true
	case "ListStreams":
		return p.guard.tableARN(cmp.Or(p.in.TableName, "*")) + "/stream/*", true
	case "GetRecords":
		// An iterator begins with the ARN of its stream, as on AWS.
		arn, _, found := strings.Cut(p.in.ShardIterator, "|")
		if !found || !strings.HasPrefix(arn, "arn:") {
			return "", true
		}
		return arn, true
	case "DescribeStream", "GetShardIterator":
		return p.in.StreamArn, true
	case "TagResource", "UntagResource", "ListTagsOfResource":
		return p.in.ResourceArn, true
	case "DescribeLimits", "DescribeEndpoints":
		return "*", true
	}
	return "", false
}

func (p *dynamoDBPermissions) addBatch() {
	for _, table := range slices.Sorted(maps.Keys(p.in.RequestItems)) {
		p.add(p.operation, table, "", p.in.RequestItems[table])
	}
}

// transactActions are the permissions that the items of a transaction need.
var transactActions = map[string]string{
	"Get":            "GetItem",
	"Put":            "PutItem",
	"Update":         "UpdateItem",
	"Delete":         "DeleteItem",
	"ConditionCheck": "ConditionCheckItem",
}

func (p *dynamoDBPermissions) addTransaction() {
	p.enclosing = p.operation
	for _, item := range p.in.TransactItems {
		for kind, part := range item {
			var in struct{ TableName string }
			if action := transactActions[kind]; action != "" && jsonv2.Unmarshal(part, &in) == nil &&
				in.TableName != "" {
				p.add(action, in.TableName, "", part)
			}
		}
	}
}

// addStatements appends what the PartiQL statements of the request need. It
// ignores a statement that names no table.
func (p *dynamoDBPermissions) addStatements() {
	list := p.in.Statements
	switch p.operation {
	case "ExecuteStatement":
		list = []struct{ Statement string }{{p.in.Statement}}
	case "ExecuteTransaction":
		list = p.in.TransactStatements
		p.enclosing = p.operation
	}
	for _, s := range list {
		if action, table, index := partiQL(s.Statement); table != "" {
			p.add(action, table, index, nil)
		}
	}
}

func denyDynamoDB(w http.ResponseWriter, d *Denied, requestID string) int {
	body, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string
	}{"com.amazon.coral.service#" + accessDenied, d.Error()})
	if err != nil {
		panic(err) // cannot happen: two strings
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // fails only if the client has gone
	return http.StatusBadRequest
}
