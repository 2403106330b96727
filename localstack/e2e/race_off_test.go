//go:build !race

package e2e

// raceDetector says that the commands are to be built with the race detector,
// as these tests are.
const raceDetector = false
