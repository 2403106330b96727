package attr

import (
	"encoding/base64"
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

func duplicateMembers(kind Kind, members []Value) error {
	if kind == NS {
		return Invalidf("Input collection contains duplicates")
	}
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = m.text
		if kind == BS {
			texts[i] = base64.StdEncoding.EncodeToString([]byte(m.text))
		}
	}
	list := "[" + strings.Join(texts, ", ") + "]"
	if kind == BS {
		return Invalidf(invalidParameter+"Input collection %sof type BS contains duplicates.", list)
	}
	return Invalidf(invalidParameter+"Input collection %s contains duplicates.", list)
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
