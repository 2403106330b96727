package template

import (
	"slices"
	"strings"
)

// StackType is the type of a nested stack.
const StackType = "AWS::CloudFormation::Stack"

// Names of the template language that are not functions with values.
const (
	// ForEach begins the key of a loop.
	ForEach = "Fn::ForEach::"
	// IncludeMacro is the macro that reads a file.
	IncludeMacro = "AWS::Include"
)

// functionNames are the intrinsic functions without the prefix Fn::.
var functionNames = []string{"And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn",
	"Equals", "FindInMap", "ForEach",
	"GetAZs", "GetAtt", "If", "ImportValue", "Join", "Length", "Not", "Or", "RefAll", "Select", "Split",
	"Sub", "ToJsonString", "Transform",
	"ValueOf", "ValueOfAll"}

// longName returns the long form of a short one: Sub becomes Fn::Sub.
func longName(short string) string {
	if short == "Ref" || short == "Condition" {
		return short
	}
	return "Fn::" + short
}

// isFunction reports whether long is the long form of an intrinsic function.
func isFunction(long string) bool {
	name, ok := strings.CutPrefix(long, "Fn::")
	if !ok {
		return long == "Ref" || long == "Condition"
	}
	return slices.Contains(functionNames, name)
}
