package attr

import (
	"encoding/base64"
	"slices"
	"strings"
)

// MaxDepth is the maximum number of levels of a value. A scalar inside 31 maps
// or lists has 32 levels (DynamoDB quotas, "Nested attribute depth").
const MaxDepth = 32

const invalidParameter = "One or more parameter values were invalid: "

func tooDeep() error {
	return structural("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
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

// duplicateMembers returns the error for a set with equal members, which lists
// the members in quotes. DynamoDB sorts those before the first repetition and
// leaves the rest in the order of the request. The older text lists them as in
// the request.
func duplicateMembers(kind Kind, members []Value) error {
	if kind == NS {
		return &ValidationError{
			Message: invalidParameter + "Input collection contains duplicates.",
			Older:   "Input collection contains duplicates",
		}
	}
	repeat := 1
	for !slices.ContainsFunc(members[:repeat], members[repeat].Equal) {
		repeat++
	}
	listed := slices.Clone(members)
	slices.SortFunc(listed[:repeat], compareScalars)

	// The spaces are DynamoDB's.
	separator, rest := ", ", " contains duplicates."
	if kind == BS {
		separator, rest = ",", "of type BS contains duplicates."
	}
	quoted := memberTexts(kind, listed)
	for i, text := range quoted {
		quoted[i] = `"` + text + `"`
	}
	return &ValidationError{
		Message: invalidParameter + "Input collection [" + strings.Join(quoted, separator) + "]" + rest,
		Older:   invalidParameter + "Input collection [" + strings.Join(memberTexts(kind, members), ", ") + "]" + rest,
	}
}

// memberTexts returns the members of a string or binary set as in messages.
func memberTexts(kind Kind, members []Value) []string {
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = m.text
		if kind == BS {
			texts[i] = base64.StdEncoding.EncodeToString([]byte(m.text))
		}
	}
	return texts
}

// Depth returns the number of levels of the value. A scalar or set has 1; a
// list or map has 1 more than its deepest element.
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

// CheckDepth returns a [*ValidationError] if v inside outer other levels has
// more than [MaxDepth] levels.
func CheckDepth(v Value, outer int) error {
	if outer+v.Depth() > MaxDepth {
		return tooDeep()
	}
	return nil
}
