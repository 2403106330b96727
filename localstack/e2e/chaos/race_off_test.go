//go:build !race

package chaos

// raceDetector reports whether the stack is built with the race detector, as
// this test is.
const raceDetector = false
