package secret

import "golang.org/x/sys/unix"

// niceness is a tenth of a normal thread's weight: hashing still gets every cycle
// nobody else wants.
const niceness = 10

// lowerPriority makes the calling thread, which must be locked, give way to others.
// A kernel that refuses leaves it as it is, which costs latency only.
func lowerPriority() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness) }
