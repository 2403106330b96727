package attr

import (
	"slices"
	"strings"
)

// MaxDepth is the number of levels that a value may have, itself included: a
// scalar inside 31 maps or lists has 32 (DynamoDB quotas, "Nested attribute
// depth").
const MaxDepth = 32

const invalidParameter = "One or more parameter values were invalid: "

func tooDeep() error {
	return Invalidf("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
}

func emptySet(kind Kind) error {
	switch kind {
	case SS:
		return Invalidf(invalidParameter + "An string set  may not be empty")
	case NS:
		return Invalidf(invalidParameter + "An number set  may not be empty")
	default:
		return Invalidf(invalidParameter + "Binary sets should not be empty")
	}
}

// duplicateMembers names the members of a set of which two are equal. DynamoDB
// lists those before the first repetition in order and the others as they came.
func duplicateMembers(kind Kind, members []Value) error {
	if kind == NS {
		return Invalidf(invalidParameter + "Input collection contains duplicates.")
	}
	repeat := 1
	for !slices.ContainsFunc(members[:repeat], members[repeat].Equal) {
		repeat++
	}
	listed := slices.Clone(members)
	slices.SortFunc(listed[:repeat], compareScalars)

	quoted := make([]string, len(listed))
	for i, m := range listed {
		quoted[i] = string(m.appendScalar(nil))
	}
	if kind == BS {
		return Invalidf(invalidParameter+"Input collection [%s]of type BS contains duplicates.", strings.Join(quoted, ","))
	}
	return Invalidf(invalidParameter+"Input collection [%s] contains duplicates.", strings.Join(quoted, ", "))
}

// Depth returns the number of levels of the value: 1 for a scalar or a set,
// one more than the deepest element for a list or map.
func (v Value) Depth() int {
	deepest := 0
	if v.kind == L {
		for _, e := range v.elems {
			deepest = max(deepest, e.Depth())
		}
	}
	for _, f := range v.fields {
		deepest = max(deepest, f.Depth())
	}
	return deepest + 1
}

// CheckDepth refuses a value that would have more than [MaxDepth] levels inside
// of so many others.
func CheckDepth(v Value, outer int) error {
	if outer+v.Depth() > MaxDepth {
		return tooDeep()
	}
	return nil
}
