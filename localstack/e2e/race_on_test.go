//go:build race

package e2e

// raceDetector reports whether the commands are built with the race detector,
// as this test is.
const raceDetector = true
