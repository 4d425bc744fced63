//go:build unix

package db

import (
	"os"
	"syscall"
)

// lockFile takes the lock or fails at once; the lock ends with the process.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
