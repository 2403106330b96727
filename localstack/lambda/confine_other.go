//go:build !linux

package lambda

import "errors"

// confine does nothing: it is implemented on Linux only.
func confine([]string) error { return errors.New("not supported by this system") }
