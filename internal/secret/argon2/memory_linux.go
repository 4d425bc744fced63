package argon2

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Memory is the working space of one hash at a time. On Linux it lies outside the
// garbage-collected heap, so that hashing neither triggers collections nor leaves
// 19 MiB behind: Release gives it back to the system at once.
type Memory struct{ raw []byte }

func (m *Memory) grow(blocks uint32) ([]block, error) {
	size := int(blocks) * blockBytes
	if len(m.raw) < size {
		m.Release()
		raw, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			return nil, fmt.Errorf("argon2: map %d bytes: %w", size, err)
		}
		m.raw = raw
		_ = unix.Madvise(raw, unix.MADV_HUGEPAGE) // fewer page faults and TLB misses; optional
	}
	first := (*block)(unsafe.Pointer(unsafe.SliceData(m.raw))) //nolint:gosec // mapped pages are aligned and large enough.
	return unsafe.Slice(first, blocks), nil                    //nolint:gosec // as above.
}

// Release gives the memory back; the next hash takes it anew.
func (m *Memory) Release() {
	if m.raw != nil {
		_ = unix.Munmap(m.raw) // fails only for a range that is not mapped
		m.raw = nil
	}
}
