package differential

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes mostly valid requests on few keys and attributes, so that
// they affect each other.
type generator struct {
	*rand.Rand
	table string

	// The placeholders of the current request.
	names  map[string]string
	values map[string]any
}

type object = map[string]any

func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// chance returns true with a probability of n percent.
func (g *generator) chance(n int) bool { return g.IntN(100) < n }

func (g *generator) text() string {
	return g.pick("", "a", "ab", "abc", "b", "é", "5", "a\x00", "\x7f", "日本")
}
func (g *generator) binary() string {
	return g.pick("AA==", "AQ==", "AQI=", "fw==", "AQID", "Yg==") // dynalite reads them as UTF-8
}
func (g *generator) number() string {
	return g.pick("0", "1", "-1", "1.0", "2", "2.5", "-2.5", "10", "1e2", "-0", "100", "00.50", "1E-5",
		"12345678901234567890123456789012345678", "9e125", "1e-130", "-9.9e125", "0.000000001", "3", "5")
}

// broken returns an invalid value.
func (g *generator) broken() object {
	switch g.IntN(8) {
	case 0:
		return object{"N": g.pick("x", "", "1e126", "1e-131", "123456789012345678901234567890123456789", " 1", "0x1")}
	case 1:
		return object{g.pick("SS", "NS", "BS"): []any{}}
	case 2:
		return object{}
	case 3:
		return object{"S": "a", "N": "1"}
	case 4:
		return object{"NULL": false}
	case 5:
		return object{"SS": []any{"a", "b", "a"}}
	case 6:
		return object{"NS": []any{"1", "2", "1"}}
	default:
		return object{"L": []any{object{"N": "y"}}}
	}
}

func (g *generator) value(depth int) object {
	if g.IntN(400) == 0 {
		return g.broken()
	}
	switch k := g.IntN(14); {
	case k < 3:
		return object{"S": g.text()}
	case k < 6:
		return object{"N": g.number()}
	case k == 6:
		return object{"B": g.binary()}
	case k == 7:
		return object{"BOOL": g.chance(50)}
	case k == 8:
		return object{"NULL": true}
	case k == 9:
		return object{"SS": g.set(func() string { return g.pick("a", "ab", "b", "c") })}
	case k == 10:
		return object{"NS": g.set(func() string { return g.pick("1", "2", "2.5", "-1", "100") })}
	case k == 11:
		return object{"BS": g.set(func() string { return g.pick("AA==", "AQ==", "/w==") })}
	case depth <= 0:
		return object{"S": "leaf"}
	case k == 12:
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return object{"L": list}
	default:
		fields := object{}
		for range g.IntN(3) {
			fields[g.pick("x", "y", "z")] = g.value(depth - 1)
		}
		return object{"M": fields}
	}
}

func (g *generator) set(member func() string) []any {
	seen := map[string]bool{}
	var out []any
	for range 1 + g.IntN(3) {
		if m := member(); !seen[m] {
			seen[m] = true
			out = append(out, m)
		}
	}
	return out
}

var attributes = []string{"a", "b", "c", "n", "s", "l", "m"}

func (g *generator) key() object {
	return object{"pk": object{"S": g.pick("p", "q", "r")}, "sk": object{"N": g.pick("1", "2", "3", "2.0", "-1")}}
}

func (g *generator) item() object {
	item := g.key()
	for range g.IntN(5) {
		item[g.pick(attributes...)] = g.value(2)
	}
	if g.chance(60) { // the keys of the indexes
		item["g"] = object{"S": g.pick("x", "y")}
	}
	if g.chance(60) {
		item["h"] = object{"N": g.pick("1", "2", "3")}
	}
	if g.chance(1) {
		delete(item, g.pick("pk", "sk"))
	}
	if g.chance(1) {
		item[g.pick("pk", "sk", "g", "h")] = g.value(1)
	}
	return item
}

// request returns the next request.
func (g *generator) request() (operation string, body object) {
	g.reset()
	body = object{"TableName": g.table}
	with := func(member, expression string) { body[member] = expression }
	if g.chance(20) {
		return g.legacy(body)
	}
	switch k := g.IntN(20); {
	case k < 5:
		operation = "PutItem"
		body["Item"] = g.item()
		if g.chance(30) {
			with("ConditionExpression", g.condition(2))
		}
		body["ReturnValues"] = g.pick("NONE", "ALL_OLD")
	case k < 10:
		operation = "UpdateItem"
		body["Key"] = g.key()
		with("UpdateExpression", g.update())
		if g.chance(30) {
			with("ConditionExpression", g.condition(1))
		}
		body["ReturnValues"] = g.pick("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
	case k == 10:
		operation = "DeleteItem"
		body["Key"] = g.key()
		if g.chance(50) {
			with("ConditionExpression", g.condition(1))
		}
		body["ReturnValues"] = g.pick("NONE", "ALL_OLD")
	case k == 11:
		operation = "GetItem"
		body["Key"] = g.key()
		if g.chance(70) {
			with("ProjectionExpression", g.projection())
		}
	case k < 17:
		operation = "Query"
		g.query(body)
	case k == 17:
		operation = "Scan"
		with("FilterExpression", g.condition(3))
		if g.chance(30) {
			body["IndexName"] = g.pick("local", "global")
		}
	case k == 18:
		operation = "BatchGetItem"
		body = object{"RequestItems": object{g.table: object{"Keys": []any{g.key(), g.key(), g.key()}}}}
	default:
		operation = "BatchWriteItem"
		body = object{"RequestItems": object{g.table: []any{object{"PutRequest": object{"Item": g.item()}},
			object{"DeleteRequest": object{"Key": g.key()}}}}}
	}
	if len(g.names) > 0 {
		body["ExpressionAttributeNames"] = g.names
	}
	if len(g.values) > 0 {
		body["ExpressionAttributeValues"] = g.values
	}
	return operation, body
}

func (g *generator) projection() string {
	paths := []string{g.path()}
	for range g.IntN(3) {
		paths = append(paths, g.path())
	}
	return strings.Join(paths, ", ")
}

func (g *generator) query(body object) {
	hash, sort := "pk", "sk"
	switch g.IntN(3) {
	case 0:
		body["IndexName"], sort = "local", "h"
	case 1:
		body["IndexName"], hash, sort = "global", "g", "h"
	default:
		body["ConsistentRead"] = g.chance(50)
		if g.chance(40) {
			body["Limit"] = 1 + g.IntN(3)
		}
	}
	g.values[":hash"] = object{"S": g.pick("p", "q", "r", "x", "y")}
	condition := hash + " = :hash"
	number := func() string {
		name := fmt.Sprintf(":k%d", len(g.values))
		g.values[name] = object{"N": g.pick("1", "2", "3", "-1", "1.5")}
		return name
	}
	switch g.IntN(4) {
	case 0:
		condition += " AND " + sort + " " + g.pick("=", "<", "<=", ">", ">=") + " " + number()
	case 1:
		condition += " AND " + sort + " BETWEEN " + number() + " AND " + number()
	}
	body["KeyConditionExpression"] = condition
	body["ScanIndexForward"] = g.chance(50)
	if g.chance(40) {
		body["FilterExpression"] = g.condition(2)
	}
	if g.chance(20) {
		body["ProjectionExpression"] = g.projection()
	}
	if g.chance(10) {
		body["Select"] = g.pick("COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES")
	}
}
