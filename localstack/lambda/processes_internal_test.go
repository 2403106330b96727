package lambda

import "testing"

func TestDefaultProcesses(t *testing.T) {
	const gigabyte = 1 << 30
	for free, want := range map[int64]int{
		0:             256, // unknown
		1:             32,
		gigabyte:      64,
		6 * gigabyte:  384,
		64 * gigabyte: 1000,
	} {
		if got := defaultProcesses(free); got != want {
			t.Errorf("with %d bytes free: got %d, want %d", free, got, want)
		}
	}
}
