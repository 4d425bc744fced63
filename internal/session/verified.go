package session

import (
	"encoding/binary"
	"sync/atomic"
)

const (
	// slots bounds how many verified tokens are remembered.
	slots = 1 << 15
	// ways is how many places one token may be in; the longest unchanged gives way.
	ways = 4
)

// verified remembers tokens whose signature was checked, so that the next request with
// the same one costs a hash and not a curve. It holds what can never change; whether
// the session still lives is asked each time. Readers take no lock.
type verified struct {
	turn  atomic.Uint64
	slots []atomic.Pointer[fact]
}

type fact struct {
	hash      [32]byte
	version   string // of the keys; a change of keys voids it
	typ       string // what sort of token it is
	principal Principal
	put       uint64
}

func newVerified() *verified {
	return &verified{slots: make([]atomic.Pointer[fact], slots)}
}

func (v *verified) bucket(hash [32]byte) []atomic.Pointer[fact] {
	first := binary.LittleEndian.Uint64(hash[:]) % (slots / ways) * ways
	return v.slots[first : first+ways]
}

func (v *verified) get(hash [32]byte, version string) (fact, bool) {
	bucket := v.bucket(hash)
	for i := range bucket {
		if f := bucket[i].Load(); f != nil && f.hash == hash && f.version == version {
			return *f, true
		}
	}
	return fact{}, false
}

func (v *verified) put(f fact) {
	f.put = v.turn.Add(1)
	bucket := v.bucket(f.hash)
	oldest := 0
	for i, turn := 0, f.put; i < ways; i++ {
		old := bucket[i].Load()
		if old == nil || old.hash == f.hash {
			oldest = i
			break
		}
		if old.put < turn {
			oldest, turn = i, old.put
		}
	}
	bucket[oldest].Store(&f)
}
