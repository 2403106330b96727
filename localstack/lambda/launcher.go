package lambda

import (
	"os/exec"
	"runtime"
	"sync"
)

// launcher starts all processes from one thread, which lives as long as they
// do.
//
// On Linux, Pdeathsig kills a child when its parent dies, so no process remains
// when the stack is killed. But for the kernel the parent is the thread that
// forked the child, and Go may end a thread at any time unless a goroutine is
// locked to it.
type launcher struct {
	starts chan launch
	ended  sync.Once
}

type launch struct {
	cmd  *exec.Cmd
	done chan error
}

func newLauncher() *launcher {
	l := &launcher{starts: make(chan launch)}
	go func() {
		runtime.LockOSThread()
		for request := range l.starts {
			request.done <- request.cmd.Start()
		}
	}()
	return l
}

func (l *launcher) start(cmd *exec.Cmd) error {
	request := launch{cmd: cmd, done: make(chan error, 1)}
	l.starts <- request
	return <-request.done
}

// close ends the thread. All processes that it started must have ended.
func (l *launcher) close() { l.ended.Do(func() { close(l.starts) }) }
