package lambda

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

// The system calls and constants of Landlock, which are the same on all
// architectures (Linux, include/uapi/linux/landlock.h and
// asm-generic/unistd.h).
const (
	sysLandlockCreateRuleset = 444
	sysLandlockAddRule       = 445
	sysLandlockRestrictSelf  = 446

	landlockCreateRulesetVersion = 1
	landlockRulePathBeneath      = 1

	prSetNoNewPrivs = 38
	oPath           = 0x200000 // O_PATH

	// changes are the rights to change files and folders: to write, to make and
	// to remove, each kind of file with its own bit, and to rename to another
	// folder.
	changes = 1<<1 | 0x1ff<<4 | 1<<13
	// truncate is the right to truncate files, since version 3.
	truncate = 1 << 14
)

var errNoLandlock = errors.New("this kernel has no Landlock")

// confine denies the calling thread, and the processes that it starts, to
// change any file that is not below one of the folders. It needs no privilege.
// Without Landlock (Linux 5.19, enabled at boot) it changes nothing and returns
// an error.
func confine(writable []string) error {
	version, _, errno := syscall.Syscall(sysLandlockCreateRuleset, 0, 0, landlockCreateRulesetVersion)
	if errno != 0 || version < 2 { // version 1 denies every rename to another folder
		return errNoLandlock
	}
	rights := uint64(changes)
	if version >= 3 {
		rights |= truncate
	}
	fd, _, errno := syscall.Syscall(sysLandlockCreateRuleset,
		uintptr(unsafe.Pointer(&rights)), unsafe.Sizeof(rights), 0)
	if errno != 0 {
		return fmt.Errorf("create ruleset: %w", errno)
	}
	ruleset := int(fd)
	defer syscall.Close(ruleset)
	for _, folder := range writable {
		if err := allowBelow(ruleset, folder, rights); err != nil {
			return err
		}
	}
	if _, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("set no_new_privs: %w", errno)
	}
	if _, _, errno := syscall.Syscall(sysLandlockRestrictSelf, fd, 0, 0); errno != 0 {
		return fmt.Errorf("restrict thread: %w", errno)
	}
	return nil
}

// allowBelow adds a folder to a ruleset. A folder that does not exist is left
// out.
func allowBelow(ruleset int, folder string, rights uint64) error {
	dir, err := syscall.Open(folder, oPath|syscall.O_CLOEXEC, 0)
	if errors.Is(err, syscall.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", folder, err)
	}
	defer syscall.Close(dir)
	rule := struct {
		rights uint64
		parent int32
	}{rights, int32(dir)}
	if _, _, errno := syscall.Syscall6(sysLandlockAddRule, uintptr(ruleset), landlockRulePathBeneath,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("allow %s: %w", folder, errno)
	}
	return nil
}
