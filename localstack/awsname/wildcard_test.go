package awsname

import (
	"regexp"
	"strings"
	"testing"
)

// FuzzMatch compares Match with a regular expression of the same meaning.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Add("a?c", "aéc")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		pattern, text = strings.ToValidUTF8(pattern, "\uFFFD"), strings.ToValidUTF8(text, "\uFFFD")
		expression := strings.NewReplacer(`\*`, `(?s:.*)`, `\?`, `(?s:.)`).Replace(regexp.QuoteMeta(pattern))
		re, err := regexp.Compile("^(?:" + expression + ")$")
		if err != nil {
			t.Skip("the expression is too large: ", err)
		}
		if got, want := Match(pattern, text), re.MatchString(text); got != want {
			t.Errorf("Match(%q, %q) = %t, want %t", pattern, text, got, want)
		}
	})
}
