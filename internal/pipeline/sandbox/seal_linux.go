//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbidden is what a worker has no use for once it is ready: new programs and
// processes, files, sockets, and looking at other processes.
func forbidden() []uint32 {
	return append([]uint32{
		unix.SYS_EXECVE, unix.SYS_EXECVEAT,
		unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2,
		unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT,
		unix.SYS_TRUNCATE, unix.SYS_CHDIR, unix.SYS_FCHDIR, unix.SYS_CHROOT, unix.SYS_MOUNT, unix.SYS_UNSHARE, unix.SYS_SETNS,
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_SENDTO, unix.SYS_SENDMSG,
		unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_USERFAULTFD,
		unix.SYS_IO_URING_SETUP, unix.SYS_MEMFD_CREATE, unix.SYS_SHMGET, unix.SYS_PRLIMIT64, unix.SYS_KEXEC_LOAD,
		unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_SETSID,
	}, oldCalls()...)
}

// otherABI begins the numbers of x32, under which every call exists a second time.
const otherABI = 0x40000000

// Offsets in struct seccomp_data.
const (
	offNumber = 0
	offArch   = 4
	offArg0   = 16
)

// seal makes the kernel refuse what is forbidden, for every thread and for good. Where
// it knows no such filters the interpreter's own walls must do.
func seal() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	filter := program(auditArch, forbidden())
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // some hundred instructions.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&prog))) //nolint:gosec // how the kernel takes it.
	if fine := []unix.Errno{0, unix.ENOSYS, unix.EINVAL, unix.EPERM}; slices.Contains(fine, errno) {
		return nil
	}
	return fmt.Errorf("seccomp: %w", errno)
}

// program refuses the calls of a list, and clone unless it makes a thread, with EPERM.
// The arguments of clone3 are out of a filter's sight, so the kernel says it has no such
// call: then the C library, which a binary built with cgo makes its threads by, uses clone.
func program(arch uint32, calls []uint32) []unix.SockFilter {
	const (
		load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		anyBits = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		atLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		ret     = unix.BPF_RET | unix.BPF_K
	)
	refuse := unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	allow := unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW}
	p := []unix.SockFilter{
		{Code: load, K: offArch},
		{Code: equal, K: arch, Jt: 1},
		{Code: ret, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: load, K: offNumber},
		{Code: atLeast, K: otherABI, Jf: 1},
		refuse,
	}
	p = append(p, unix.SockFilter{Code: equal, K: unix.SYS_CLONE3, Jf: 1},
		unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)})
	for _, nr := range calls {
		p = append(p, unix.SockFilter{Code: equal, K: nr, Jf: 1}, refuse)
	}
	return append(p,
		unix.SockFilter{Code: equal, K: unix.SYS_CLONE, Jf: 3},
		unix.SockFilter{Code: load, K: offArg0},
		unix.SockFilter{Code: anyBits, K: unix.CLONE_THREAD, Jt: 1},
		refuse, allow)
}
