package sam

import "strings"

// functionName takes the function's name out of an ARN, with or without a
// qualifier. Anything else is returned as it is, without a qualifier.
func functionName(id string) string {
	if rest, ok := strings.CutPrefix(id, "arn:"); ok {
		parts := strings.SplitN(rest, ":", 6)
		if len(parts) < 6 || parts[1] != "lambda" || parts[4] != "function" {
			return ""
		}
		id = parts[5]
	}
	name, _, _ := strings.Cut(id, ":")
	return name
}
