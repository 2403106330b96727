package lambda

import (
	"os/exec"
	"runtime"
)

// launch starts a process from a separate thread, which lives until ended is
// closed. The process can then write only below the writable folders, as far as
// the system can enforce that; confined says whether it does.
//
// On Linux, Pdeathsig kills a child when its parent dies, so no process remains
// when the stack is killed. But for the kernel the parent is the thread that
// forked the child, and Go may end a thread at any time unless a goroutine is
// locked to it. The confinement belongs to the thread too, and the child
// inherits it.
func launch(cmd *exec.Cmd, writable []string, ended <-chan struct{}) (confined bool, err error) {
	type result struct {
		confined bool
		err      error
	}
	started := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		confined := confine(writable) == nil
		started <- result{confined, cmd.Start()}
		<-ended
	}()
	r := <-started
	return r.confined, r.err
}
