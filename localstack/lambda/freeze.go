package lambda

// An environment is frozen between one invocation and the next (LDG "Lambda
// execution environment lifecycle"): background work of a function stands
// still. Here a signal stops the instance's process group.
//
// The group is stopped when the runtime has asked for its next event and all
// extensions have asked for theirs, and only if there is no event. An event is
// written only after the processes have been continued. Service.mu orders the
// two.
//
// Other events need no care while an instance is frozen. SIGKILL ends stopped
// processes too, and the kernel keeps their connections. If the stack is
// killed, Linux kills its children. Elsewhere the kernel sends SIGHUP and
// SIGCONT to a stopped process group whose parent dies (POSIX, orphaned process
// group).

// freeze stops the instance's processes, unless a debugger is attached or
// Options.NoFreeze is set. The caller holds Service.mu, as for thaw.
func (in *instance) freeze() {
	if in.fleet.s.opt.NoFreeze || in.frozen || in.ending || in.traced || in.pid == 0 {
		return
	}
	in.frozen = pause(in.pid)
}

// thaw continues the processes.
func (in *instance) thaw() {
	if in.frozen {
		in.frozen = false
		resume(in.pid)
	}
}
