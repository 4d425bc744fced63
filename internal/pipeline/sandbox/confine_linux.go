package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	addressSpace = 3 << 30
	cpuSeconds   = 120 // of a worker's whole life
	openFiles    = 16
	niceness     = 10 // requests of the server come first
)

// confine sets the limits of this process, at its start. There is none on the number of processes:
// the kernel counts those of the whole user, and a thread the runtime cannot start ends
// the worker. seal forbids what the limit is meant to stop.
func confine() error {
	closeInherited()
	for what, most := range map[int]uint64{
		unix.RLIMIT_AS: addressSpace, unix.RLIMIT_CPU: cpuSeconds, unix.RLIMIT_NOFILE: openFiles, unix.RLIMIT_CORE: 0,
	} {
		if err := limit(what, most); err != nil {
			return err
		}
	}
	return nil
}

// closeInherited closes files that whoever started the server left open for everybody.
// What the runtime has opened for itself stays.
func closeInherited() {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return // no /proc; then enclose still forbids to open more
	}
	for _, f := range files {
		fd, err := strconv.Atoi(f.Name())
		if err != nil || fd <= 2 {
			continue
		}
		to, err := os.Readlink("/proc/self/fd/" + f.Name())
		if err == nil && !strings.HasPrefix(to, "anon_inode:") && !strings.HasPrefix(to, "/sys/fs/cgroup/") {
			_ = unix.Close(fd) // the directory just read is among them, and closed already
		}
	}
}

func limit(what int, most uint64) error {
	if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return fmt.Errorf("limit %d: %w", what, err)
	}
	return nil
}

// enclose takes away what only the start needed, before the first script runs. Until then a
// worker stands back for nobody: on a busy machine it would never be ready.
func enclose() error {
	// A nice value is a single thread's unless it is given to a group, which must be ours alone.
	if unix.Getpgrp() == os.Getpid() {
		_ = unix.Setpriority(unix.PRIO_PGRP, 0, niceness) // a wish, not a limit
	}
	if err := limit(unix.RLIMIT_FSIZE, 0); err != nil {
		return err
	}
	return seal()
}

// processAttr is how a worker is started.
type processAttr struct{ flags uintptr }

// isolated starts a worker in a network of its own, where that is allowed.
func isolated() *processAttr {
	return &processAttr{flags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC}
}

// sys puts the worker in a process group of its own, so that an interrupt typed at the
// server's terminal does not reach it.
func (a *processAttr) sys() *syscall.SysProcAttr {
	if a == nil {
		return &syscall.SysProcAttr{Setpgid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true, Cloneflags: a.flags}
}
