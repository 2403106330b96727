//go:build race

package chaos

// raceDetector says that the stack is to be built with the race detector, as
// this test is.
const raceDetector = true
