package differential

// The legacy parameters ("Legacy conditional parameters" in the Developer
// Guide).

// legacy returns a request with legacy parameters.
func (g *generator) legacy(body object) (operation string, _ object) {
	switch g.IntN(6) {
	case 0:
		operation = "PutItem"
		body["Item"] = g.item()
		g.filter(body, "Expected", true)
	case 1:
		operation = "DeleteItem"
		body["Key"] = g.key()
		g.filter(body, "Expected", true)
		body["ReturnValues"] = "ALL_OLD"
	case 2:
		operation = "UpdateItem"
		body["Key"] = g.key()
		body["AttributeUpdates"] = g.attributeUpdates()
		if g.chance(40) {
			g.filter(body, "Expected", true)
		}
		body["ReturnValues"] = g.pick("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
	case 3:
		operation = "GetItem"
		body["Key"] = g.key()
		body["AttributesToGet"] = []string{g.pick(attributes...), g.pick(attributes...)}
	case 4:
		operation = "Scan"
		g.filter(body, "ScanFilter", false)
	default:
		operation = "Query"
		conditions := object{"pk": object{"ComparisonOperator": "EQ",
			"AttributeValueList": []any{object{"S": g.pick("p", "q", "r")}}}}
		if g.chance(50) {
			conditions["sk"] = object{"ComparisonOperator": g.pick("EQ", "LT", "LE", "GT", "GE"),
				"AttributeValueList": []any{object{"N": g.pick("1", "2", "3")}}}
		}
		body["KeyConditions"] = conditions
		if g.chance(50) {
			g.filter(body, "QueryFilter", false)
		}
	}
	return operation, body
}

// filter adds conditions on one to three attributes.
func (g *generator) filter(body object, member string, write bool) {
	conditions := object{}
	for range 1 + g.IntN(3) {
		name := g.pick(attributes...)
		switch {
		case write && g.chance(20):
			conditions[name] = object{"Exists": false}
		case write && g.chance(20):
			conditions[name] = object{"Value": g.value(1)}
		default:
			conditions[name] = g.comparison()
		}
	}
	body[member] = conditions
	if len(conditions) > 1 && g.chance(50) {
		body["ConditionalOperator"] = "AND" // dynalite does not implement OR
	}
}

func (g *generator) comparison() object {
	operator := g.pick("EQ", "NE", "LE", "LT", "GE", "GT", "NOT_NULL", "NULL", "CONTAINS", "NOT_CONTAINS",
		"BEGINS_WITH", "IN", "BETWEEN")
	condition := object{"ComparisonOperator": operator}
	kind := g.pick("S", "N", "B")
	values := []any{g.scalar(kind)}
	switch operator {
	case "NULL", "NOT_NULL":
		return condition
	case "BETWEEN":
		values = append(values, g.scalar(kind))
	case "IN":
		values = append(values, g.scalar(kind), g.scalar(kind))
	case "BEGINS_WITH":
		values = []any{g.scalar(g.pick("S", "B"))}
	}
	if g.chance(2) {
		values = append(values, g.value(1))
	}
	condition["AttributeValueList"] = values
	return condition
}

// scalar returns a value for a comparison. dynalite compares these as strings,
// so each number has one form and no value is empty.
func (g *generator) scalar(kind string) object {
	switch kind {
	case "S":
		return object{kind: g.pick("a", "ab", "abc", "b", "é", "5")}
	case "N":
		return object{kind: g.pick("0", "1", "-1", "2", "2.5", "10", "100")}
	}
	return object{kind: g.binary()}
}

func (g *generator) attributeUpdates() object {
	// At least one value is put: on a missing item, deletions alone create an
	// item in dynalite and do nothing in DynamoDB (AttributeUpdates, DELETE).
	updates := object{g.pick(attributes...): object{"Value": g.value(0)}}
	for range g.IntN(3) {
		name := g.pick(attributes...)
		if updates[name] != nil {
			continue
		}
		switch action := g.pick("PUT", "ADD", "DELETE", "REMOVE"); action {
		case "PUT":
			updates[name] = object{"Action": action, "Value": g.value(1)}
		case "ADD":
			updates[name] = object{"Action": action, "Value": g.values[g.addend("N", "SS", "NS", "BS")]}
		case "DELETE":
			updates[name] = object{"Action": action, "Value": g.values[g.addend("SS", "NS", "BS")]}
		default:
			updates[name] = object{"Action": "DELETE"}
		}
	}
	return updates
}
