package sandbox

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

func oldCalls() []uint32 { return []uint32{unix.SYS_RENAMEAT} }
