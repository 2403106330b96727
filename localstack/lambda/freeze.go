package lambda

// An environment is frozen between an invocation and the next one (LDG "Lambda
// execution environment lifecycle"): what a function leaves running in the
// background stands still, here because its process group is stopped by a
// signal.
//
// It is stopped when the runtime's request for the next event has arrived and
// all extensions wait for theirs, and only if there is no event for it. Until
// then nothing is stopped, and an event is written only after the processes
// have been continued; Service.mu orders the two. What else happens to an
// instance while it is frozen needs no care. SIGKILL ends stopped processes,
// too, and the kernel keeps their connections. If the stack itself is killed,
// Linux ends its children; elsewhere the kernel hangs up on, and continues, a
// process group that is stopped when its last relative dies (POSIX, orphaned
// process group).

// freeze stops the instance's processes, unless somebody debugs them. Under
// Service.mu, as thaw.
func (in *instance) freeze() {
	if in.fleet.s.opt.NoFreeze || in.frozen || in.ending || in.traced || in.pid == 0 {
		return
	}
	in.frozen = pause(in.pid)
}

// thaw lets the processes go on.
func (in *instance) thaw() {
	if in.frozen {
		in.frozen = false
		resume(in.pid)
	}
}
