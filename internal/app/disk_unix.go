//go:build unix

package app

import (
	"golang.org/x/sys/unix"

	"github.com/tigertally/tigertally/internal/doctor"
)

// measureDisk looks at the file system of a directory.
func measureDisk(path string) doctor.Disk {
	d := doctor.Disk{Path: path}
	var st unix.Statfs_t
	if d.Err = unix.Statfs(path, &st); d.Err != nil {
		return d
	}
	block := uint64(st.Bsize)                                  //nolint:gosec // a size is not negative.
	d.Free, d.Total = uint64(st.Bavail)*block, st.Blocks*block //nolint:unconvert // signed on some systems
	d.Writable = unix.Access(path, unix.W_OK|unix.X_OK) == nil
	return d
}
