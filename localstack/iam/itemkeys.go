package iam

import (
	"slices"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// itemKeys are the condition keys of a request about items (DynamoDB developer
// guide, "Using IAM policy conditions for fine-grained access control"). The
// request is parsed only if a policy has a condition on one of them. For
// PartiQL statements only dynamodb:EnclosingOperation is present.
type itemKeys struct {
	http              httpKeys
	guard             *Guard
	action, enclosing string
	table, index      string
	part              []byte // JSON; nil for PartiQL

	in *itemRequest // part, parsed; see request
}

func (k *itemKeys) lookup(name string) ([]string, bool) {
	if name == "dynamodb:enclosingoperation" {
		return []string{k.enclosing}, k.enclosing != ""
	}
	if k.part == nil {
		return k.http.lookup(name)
	}
	switch name {
	case "dynamodb:leadingkeys":
		return k.leadingKeys()
	case "dynamodb:attributes":
		return k.request().attributes(), true
	case "dynamodb:select":
		v := k.selects()
		return []string{v}, v != ""
	case "dynamodb:returnvalues":
		v := k.request().ReturnValues
		return []string{v}, v != ""
	case "dynamodb:returnconsumedcapacity":
		v := k.request().ReturnConsumedCapacity
		return []string{v}, v != ""
	}
	return k.http.lookup(name)
}

// itemRequest has the members of item operations that condition keys are
// derived from.
type itemRequest struct {
	Key, Item map[string]jsontext.Value
	Keys      []map[string]jsontext.Value // BatchGetItem

	ProjectionExpression, KeyConditionExpression, FilterExpression string
	ConditionExpression, UpdateExpression                          string
	ExpressionAttributeNames                                       map[string]string
	ExpressionAttributeValues                                      map[string]jsontext.Value

	AttributesToGet                                                    []string
	AttributeUpdates, Expected, KeyConditions, QueryFilter, ScanFilter map[string]jsontext.Value

	Select, ReturnValues, ReturnConsumedCapacity string
}

// request parses the part, once. Members that do not fit are left out; the
// service refuses the request.
func (k *itemKeys) request() *itemRequest {
	if k.in != nil {
		return k.in
	}
	k.in = &itemRequest{}
	if k.action != "BatchWriteItem" {
		_ = jsonv2.Unmarshal(k.part, k.in)
		return k.in
	}
	var writes []struct {
		PutRequest    struct{ Item map[string]jsontext.Value }
		DeleteRequest struct{ Key map[string]jsontext.Value }
	}
	_ = jsonv2.Unmarshal(k.part, &writes)
	for _, w := range writes {
		k.in.Keys = append(k.in.Keys, w.PutRequest.Item, w.DeleteRequest.Key)
	}
	return k.in
}

// items returns all keys and items of the request.
func (in *itemRequest) items() []map[string]jsontext.Value {
	return append([]map[string]jsontext.Value{in.Key, in.Item}, in.Keys...)
}

// leadingKeys returns the partition keys that the request names: several in a
// batch, none in a Scan.
func (k *itemKeys) leadingKeys() ([]string, bool) {
	if k.guard.opts.PartitionKey == nil {
		return nil, false
	}
	name := k.guard.opts.PartitionKey(tableName(k.guard.tableARN(k.table)), k.index)
	if name == "" {
		return nil, false
	}
	in := k.request()
	var keys []string
	for _, item := range in.items() {
		if v, ok := item[name]; ok {
			keys = append(keys, scalar(v))
		}
	}
	if c, ok := in.KeyConditions[name]; ok {
		var condition struct{ AttributeValueList []jsontext.Value }
		if jsonv2.Unmarshal(c, &condition) == nil && len(condition.AttributeValueList) > 0 {
			keys = append(keys, scalar(condition.AttributeValueList[0]))
		}
	}
	if placeholder := equated(in.KeyConditionExpression, in.ExpressionAttributeNames, name); placeholder != "" {
		keys = append(keys, scalar(in.ExpressionAttributeValues[placeholder]))
	}
	slices.Sort(keys)
	return slices.Compact(keys), len(keys) > 0
}

// scalar returns the text of an attribute value of type S, N or B.
func scalar(value jsontext.Value) string {
	var v struct{ S, N, B string }
	_ = jsonv2.Unmarshal(value, &v)
	return v.S + v.N + v.B // two of them are empty
}

// attributes returns the top-level attributes that the request names anywhere,
// sorted.
func (in *itemRequest) attributes() []string {
	names := slices.Clone(in.AttributesToGet)
	for _, m := range append(in.items(), in.AttributeUpdates, in.Expected, in.KeyConditions,
		in.QueryFilter, in.ScanFilter) {
		for name := range m {
			names = append(names, name)
		}
	}
	for _, e := range []string{in.ProjectionExpression, in.KeyConditionExpression, in.FilterExpression,
		in.ConditionExpression, in.UpdateExpression} {
		names = append(names, attributesOf(e, in.ExpressionAttributeNames)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// selects returns the Select of a read or its default: SPECIFIC_ATTRIBUTES with
// a projection, otherwise all attributes of the table or index.
func (k *itemKeys) selects() string {
	in := k.request()
	switch k.action {
	case "GetItem", "BatchGetItem", "Query", "Scan":
	default:
		return ""
	}
	switch {
	case in.Select != "":
		return in.Select
	case in.ProjectionExpression != "" || in.AttributesToGet != nil:
		return "SPECIFIC_ATTRIBUTES"
	case k.index != "":
		return "ALL_PROJECTED_ATTRIBUTES"
	}
	return "ALL_ATTRIBUTES"
}
