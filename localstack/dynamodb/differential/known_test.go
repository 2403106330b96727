package differential

import "strings"

// difference is a known difference between the two responses.
type difference struct {
	engine, dynalite string // parts of the responses
	why              string
	request          string // part of the request
}

var known = []difference{
	{
		request:  `"IndexName":"local"`,
		engine:   `"Items"`,
		dynalite: `"Items"`,
		why:      "a query of a local index reads attributes that the index lacks from the table (LSI, reading)",
	},
	{
		engine: "Number overflow",
		why:    "a sum also has at most 38 digits (data types, Number); dynalite does not bound it",
	},
	{
		engine:   "Syntax error; token: ",
		dynalite: "Syntax error; Expected ",
		why:      "dynalite returns its parser's message, DynamoDB the token and the text near it",
	},
	{
		dynalite: `Syntax error; Expected "(" but "N" found`,
		why:      "NOT accepts any condition, also one that begins with NOT (Expressions.OperatorsAndFunctions, grammar)",
	},
	{engine: "typeSet: ALLOWED_FOR_", dynalite: "operator: ", why: "DynamoDB names the types that ADD and DELETE take"},
	{
		engine: "Incorrect operand type for operator or function",
		why:    "DynamoDB checks the types of literals before evaluation, also in comparisons (comparison operators take S, N and B)",
	},
	{
		engine:   "Input collection contains duplicates",
		dynalite: "Input collection contains duplicates",
		why:      "the message about duplicate numbers is quoted with and without its beginning",
	},
	{
		engine: "Cannot specify the ProjectionExpression when choosing to get",
		why:    "Select excludes a projection (API reference, Select)",
	},
	{
		engine: "ALL_PROJECTED_ATTRIBUTES can be used only when Querying",
		why:    "Select: valid only for an index (API reference, Select)",
	},
	{
		engine: "choosing to get SPECIFIC_ATTRIBUTES",
		why:    "Select: SPECIFIC_ATTRIBUTES is equivalent to giving a projection (API reference, Select)",
	},
	{
		engine:   "Type mismatch for Index Key",
		dynalite: "Type mismatch for Index Key",
		why:      "if an item fits neither of two indexes, either may be named",
	},
	{
		engine:   "ValidationException: Invalid",
		dynalite: "ValidationException: Invalid",
		why:      "if a request's expressions have two errors, either may be reported",
	},
	{
		engine:   "The document path provided in the update expression is invalid",
		dynalite: "refers to an attribute that does not exist",
		why:      "if an update has two errors, either may be reported",
	},
	{
		engine:   "refers to an attribute that does not exist",
		dynalite: "The document path provided in the update expression is invalid",
		why:      "if an update has two errors, either may be reported",
	},
	{
		engine:   "An operand in the update expression has an incorrect data type",
		dynalite: "400 ValidationException",
		why:      "if an update has two errors, either may be reported",
	},
	{
		engine:   "400 ValidationException",
		dynalite: "An operand in the update expression has an incorrect data type",
		why:      "if an update has two errors, either may be reported",
	},
	{
		request:  `"AttributeUpdates"`,
		engine:   "One or more parameter values were invalid",
		dynalite: "One or more parameter values were invalid",
		why:      "if an update has two errors, either may be reported",
	},
	{
		engine:   "is not valid for",
		dynalite: "must be of same type",
		why:      "if the values of a comparison have two errors, either may be reported",
	},
	{
		engine:   "must be distinct from the remaining operands",
		dynalite: "unused in expressions",
		why:      "DynamoDB parses all expressions before it checks for unused placeholders",
	},
}

// expected returns the reason of a known difference.
func expected(request string, engine, dynalite answer) (why string, ok bool) {
	for _, d := range known {
		if strings.Contains(request, d.request) && strings.Contains(engine.String(), d.engine) &&
			strings.Contains(dynalite.String(), d.dynalite) {
			return d.why, true
		}
	}
	return "", false
}
