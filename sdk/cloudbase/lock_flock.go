//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package cloudbase

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock unless somebody has it.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return err == nil, err
		}
	}
}
