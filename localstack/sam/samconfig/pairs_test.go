package samconfig

import (
	"maps"
	"slices"
	"testing"
)

func TestSplitOverrides(t *testing.T) {
	got, problem := splitOverrides(` A=1	B='x "y" z'
C="a \"b\" c" D=http://x?a=b,c=d `)
	if problem != "" {
		t.Fatal(problem)
	}
	want := map[string]string{"A": "1", "B": `x "y" z`, "C": `a "b" c`, "D": "http://x?a=b,c=d"}
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q (keys %q)", got, want, slices.Sorted(maps.Keys(got)))
	}
}
