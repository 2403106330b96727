package differential

import "strings"

// difference is a way in which the two are known to answer differently.
type difference struct {
	engine, dynalite string // parts of the answers
	why              string
	request          string // part of the request
}

var known = []difference{
	{
		request:  `"IndexName":"local"`,
		engine:   `"Items"`,
		dynalite: `"Items"`,
		why:      "a local index takes from the table what it does not hold, if a projection asks for it (LSI, reading)",
	},
	{
		engine: "Number overflow",
		why:    "a sum has at most 38 digits, too (data types, Number); dynalite keeps any number of them",
	},
	{
		engine:   "Syntax error; token: ",
		dynalite: "Syntax error; Expected ",
		why:      "dynalite shows its parser's texts, DynamoDB the token and what is near it",
	},
	{
		dynalite: `Syntax error; Expected "(" but "N" found`,
		why:      "NOT takes any condition, also one that begins with NOT (Expressions.OperatorsAndFunctions, grammar)",
	},
	{engine: "typeSet: ALLOWED_FOR_", dynalite: "operator: ", why: "DynamoDB names the types that ADD and DELETE take"},
	{
		engine: "Incorrect operand type for operator or function",
		why:    "types of literals are checked before anything is evaluated, those of comparisons too (comparison operators take S, N and B)",
	},
	{
		engine:   "Input collection contains duplicates",
		dynalite: "Input collection contains duplicates",
		why:      "the text of duplicate numbers is quoted with and without its beginning",
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
		why:      "of two indexes that an item does not fit either may be named",
	},
	{
		engine:   "ValidationException: Invalid",
		dynalite: "ValidationException: Invalid",
		why:      "of two things that are wrong with the expressions of a request either may be named",
	},
	{
		engine:   "The document path provided in the update expression is invalid",
		dynalite: "refers to an attribute that does not exist",
		why:      "of two things that are wrong with an update either may be named",
	},
	{
		engine:   "refers to an attribute that does not exist",
		dynalite: "The document path provided in the update expression is invalid",
		why:      "of two things that are wrong with an update either may be named",
	},
	{
		engine:   "An operand in the update expression has an incorrect data type",
		dynalite: "400 ValidationException",
		why:      "of two things that are wrong with an update either may be named",
	},
	{
		engine:   "400 ValidationException",
		dynalite: "An operand in the update expression has an incorrect data type",
		why:      "of two things that are wrong with an update either may be named",
	},
	{
		request:  `"AttributeUpdates"`,
		engine:   "One or more parameter values were invalid",
		dynalite: "One or more parameter values were invalid",
		why:      "of two things that are wrong with an update either may be named",
	},
	{
		engine:   "is not valid for",
		dynalite: "must be of same type",
		why:      "of two things that are wrong with the values of a comparison either may be named",
	},
	{
		engine:   "must be distinct from the remaining operands",
		dynalite: "unused in expressions",
		why:      "an expression is read to its end before what it did not use is looked at",
	},
}

// expected returns why two answers differ, if that is known.
func expected(request string, engine, dynalite answer) (why string, ok bool) {
	for _, d := range known {
		if strings.Contains(request, d.request) && strings.Contains(engine.String(), d.engine) &&
			strings.Contains(dynalite.String(), d.dynalite) {
			return d.why, true
		}
	}
	return "", false
}
