package lambda

import (
	"os/exec"
	"runtime"
	"sync"
)

// launcher starts all processes from one thread that lives as long as they do.
//
// On Linux a child asks to be killed when its parent dies (Pdeathsig), so that
// nothing is left behind when the stack itself is killed; but the kernel means
// the thread that forked it, and Go ends threads at will unless a goroutine is
// locked to them.
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
		for s := range l.starts {
			s.done <- s.cmd.Start()
		}
	}()
	return l
}

func (l *launcher) start(cmd *exec.Cmd) error {
	s := launch{cmd: cmd, done: make(chan error, 1)}
	l.starts <- s
	return <-s.done
}

// close ends the thread: every process that was started must be gone.
func (l *launcher) close() { l.ended.Do(func() { close(l.starts) }) }
