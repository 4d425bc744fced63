//go:build !unix

package app

import (
	"os"

	"github.com/tigertally/tigertally/internal/doctor"
)

// measureDisk looks at a directory; how much room it has is not known on this system.
func measureDisk(path string) doctor.Disk {
	_, err := os.Stat(path)
	return doctor.Disk{Path: path, Writable: err == nil, Err: err}
}
