package dynamodb

import (
	"fmt"
	"regexp"
	"strings"
)

// checks collects the violations of a request's model constraints. DynamoDB
// reports them together, before any other error.
type checks struct{ violations []string }

// err returns the ValidationException for all violations, or nil if there is
// none.
func (c *checks) err() error {
	switch len(c.violations) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c.violations[0])
	default:
		return invalid("%d validation errors detected: %s", len(c.violations), strings.Join(c.violations, "; "))
	}
}

func (c *checks) fail(value, member, constraint string) {
	c.violations = append(c.violations, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value,
		member, constraint))
}

func (c *checks) required(member string, present bool) {
	if !present {
		c.fail("null", member, "Member must not be null")
	}
}

// length bounds the length of an optional string, in bytes.
func (c *checks) length(member string, value *string, minimum, maximum int) {
	if value == nil {
		return
	}
	switch n := len(*value); {
	case n < minimum:
		c.fail(quoted(*value), member, fmt.Sprintf("Member must have length greater than or equal to %d", minimum))
	case n > maximum:
		c.fail(quoted(*value), member, fmt.Sprintf("Member must have length less than or equal to %d", maximum))
	}
}

// count bounds the number of elements of a list or map. There is no upper bound
// if maximum is 0.
func (c *checks) count(member string, n, minimum, maximum int) {
	switch {
	case n < minimum:
		c.fail("'[]'", member, fmt.Sprintf("Member must have length greater than or equal to %d", minimum))
	case maximum > 0 && n > maximum:
		c.fail(fmt.Sprintf("'[%d elements]'", n), member,
			fmt.Sprintf("Member must have length less than or equal to %d", maximum))
	}
}

// value bounds an optional number. There is no upper bound if maximum is 0.
func (c *checks) value(member string, value *int64, minimum, maximum int64) {
	if value == nil {
		return
	}
	switch {
	case *value < minimum:
		c.fail(fmt.Sprintf("'%d'", *value), member,
			fmt.Sprintf("Member must have value greater than or equal to %d", minimum))
	case maximum > 0 && *value > maximum:
		c.fail(fmt.Sprintf("'%d'", *value), member,
			fmt.Sprintf("Member must have value less than or equal to %d", maximum))
	}
}

// oneOf checks an optional enumeration value. An empty one counts as absent.
func (c *checks) oneOf(member, value string, allowed ...string) {
	if value == "" {
		return
	}
	for _, a := range allowed {
		if a == value {
			return
		}
	}
	c.fail(quoted(value), member, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

// member returns the name of list element i in messages, with a final dot.
func member(i int) string { return fmt.Sprintf("%d.member.", i+1) }

func quoted(s string) string { return "'" + s + "'" }

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// name checks the name of a table or an index.
func (c *checks) name(member string, name *string) {
	c.required(member, name != nil)
	if name == nil {
		return
	}
	if *name != "" && !namePattern.MatchString(*name) {
		c.fail(quoted(*name), member, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	c.length(member, name, 3, 255)
}

// table checks a required TableName, which may be an ARN, and returns the name
// alone.
func (c *checks) table(member string, name *string) string {
	short := name
	if name != nil && *name == "" {
		c.length(member, name, 1, 1024) // the bounds of an ARN; DynamoDB reports no other violation
		return ""
	}
	if name != nil && strings.HasPrefix(*name, "arn:") {
		if _, after, ok := strings.Cut(*name, ":table/"); ok {
			short = &after
		}
	}
	c.name(member, short)
	if short == nil {
		return ""
	}
	return *short
}

// returnModes checks ReturnConsumedCapacity and ReturnItemCollectionMetrics.
func (c *checks) returnModes(consumed, metrics string) {
	c.oneOf("returnConsumedCapacity", consumed, reportIndexes, reportTotal, reportNone)
	c.oneOf("returnItemCollectionMetrics", metrics, "SIZE", "NONE")
}
