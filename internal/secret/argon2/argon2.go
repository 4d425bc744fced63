// Package argon2 owns Argon2id (RFC 9106) on the calling thread and in memory the
// caller keeps. golang.org/x/crypto/argon2 starts a goroutine per lane, which would
// leave a low-priority thread, and allocates its memory anew for each hash. The
// assembly is a copy of that package's, under the LICENSE beside this file.
package argon2

import (
	"encoding/binary"

	"golang.org/x/crypto/blake2b"
)

// Version is the version of Argon2 implemented here, 1.3.
const Version = 0x13

const (
	modeID      = 2
	blockLength = 128 // words
	blockBytes  = 8 * blockLength
	syncPoints  = 4
)

type block [blockLength]uint64

// Params are the costs. Memory is in KiB; Time and Threads are at least 1.
type Params struct {
	Memory, Time uint32
	Threads      uint8
}

// run is the state of one hash: a matrix of lanes, each cut into four segments that
// only refer to finished segments of other lanes.
type run struct {
	blocks                                     []block
	memory, time, threads, laneLength, segment uint32
}

// Key derives n bytes from password and salt. It works in mem, which grows to
// p.Memory and must not be in use by another call.
func Key(mem *Memory, password, salt []byte, p Params, n uint32) ([]byte, error) {
	h0 := seed(password, salt, p, n)
	lanes := uint32(max(p.Threads, 1))
	memory := max(p.Memory, 2*syncPoints*lanes) / (syncPoints * lanes) * (syncPoints * lanes)
	blocks, err := mem.grow(memory)
	if err != nil {
		return nil, err
	}
	r := run{
		blocks: blocks, memory: memory, time: p.Time, threads: lanes,
		laneLength: memory / lanes, segment: memory / lanes / syncPoints,
	}
	r.start(h0)
	for pass := range r.time {
		for slice := range uint32(syncPoints) {
			for lane := range lanes {
				r.fill(pass, slice, lane)
			}
		}
	}
	return r.finish(n), nil
}

// seed is H0 of RFC 9106 section 3.2, followed by room for a block and lane number.
func seed(password, salt []byte, p Params, n uint32) []byte {
	var b []byte
	for _, v := range []uint32{uint32(max(p.Threads, 1)), n, p.Memory, p.Time, Version, modeID} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, field := range [][]byte{password, salt, nil, nil} { // no secret, no associated data
		b = binary.LittleEndian.AppendUint32(b, uint32(len(field))) //nolint:gosec // Callers bound passwords and salts.
		b = append(b, field...)
	}
	sum := blake2b.Sum512(b)
	return append(sum[:], make([]byte, 8)...)
}

// start fills the first two blocks of every lane.
func (r *run) start(h0 []byte) {
	var raw [blockBytes]byte
	for lane := range r.threads {
		binary.LittleEndian.PutUint32(h0[blake2b.Size+4:], lane)
		for i := range uint32(2) {
			binary.LittleEndian.PutUint32(h0[blake2b.Size:], i)
			longHash(raw[:], h0)
			b := &r.blocks[lane*r.laneLength+i]
			for w := range b {
				b[w] = binary.LittleEndian.Uint64(raw[8*w:])
			}
		}
	}
}

// fill computes one segment of one lane. The first pass overwrites what the memory
// held before; later passes XOR into it.
func (r *run) fill(pass, slice, lane uint32) {
	var addresses, in, zero block
	independent := pass == 0 && slice < syncPoints/2 // data-independent addressing first
	in = block{uint64(pass), uint64(lane), uint64(slice), uint64(r.memory), uint64(r.time), modeID}
	next := func() {
		in[6]++
		processBlock(&addresses, &in, &zero)
		processBlock(&addresses, &addresses, &zero)
	}
	index := uint32(0)
	if pass == 0 && slice == 0 {
		index = 2 // start made the first two
		next()
	}
	at := lane*r.laneLength + slice*r.segment + index
	for ; index < r.segment; index, at = index+1, at+1 {
		prev := at - 1
		if index == 0 && slice == 0 {
			prev += r.laneLength
		}
		random := r.blocks[prev][0]
		if independent {
			if index%blockLength == 0 {
				next()
			}
			random = addresses[index%blockLength]
		}
		ref := &r.blocks[r.reference(random, pass, slice, lane, index)]
		if pass == 0 {
			processBlock(&r.blocks[at], &r.blocks[prev], ref)
		} else {
			processBlockXOR(&r.blocks[at], &r.blocks[prev], ref)
		}
	}
}

// reference picks the block that random points to (RFC 9106 section 3.4).
func (r *run) reference(random uint64, pass, slice, lane, index uint32) uint32 {
	refLane := uint32(random>>32) % r.threads
	if pass == 0 && slice == 0 {
		refLane = lane
	}
	size, from := 3*r.segment, ((slice+1)%syncPoints)*r.segment
	if pass == 0 {
		size, from = slice*r.segment, 0
	}
	if refLane == lane {
		size += index
	}
	if index == 0 || refLane == lane {
		size--
	}
	p := random & 0xFFFFFFFF
	p = p * p >> 32
	p = p * uint64(size) >> 32
	offset := (uint64(from) + uint64(size) - (p + 1)) % uint64(r.laneLength)
	return refLane*r.laneLength + uint32(offset) //nolint:gosec // Below laneLength.
}

// finish folds the last column into the tag.
func (r *run) finish(n uint32) []byte {
	last := r.blocks[r.memory-1]
	for lane := range r.threads - 1 {
		for i, v := range r.blocks[(lane+1)*r.laneLength-1] {
			last[i] ^= v
		}
	}
	var raw [blockBytes]byte
	for i, v := range last {
		binary.LittleEndian.PutUint64(raw[8*i:], v)
	}
	key := make([]byte, n)
	longHash(key, raw[:])
	return key
}

// longHash is H' of RFC 9106 section 3.3: BLAKE2b of any length.
func longHash(out, in []byte) {
	first := binary.LittleEndian.AppendUint32(nil, uint32(len(out))) //nolint:gosec // A tag or a block.
	first = append(first, in...)
	if len(out) <= blake2b.Size {
		shortHash(out, first)
		return
	}
	v := blake2b.Sum512(first)
	for len(out) > blake2b.Size {
		copy(out, v[:32])
		out = out[32:]
		if len(out) > blake2b.Size {
			v = blake2b.Sum512(v[:])
		}
	}
	shortHash(out, v[:])
}

func shortHash(out, in []byte) {
	h, err := blake2b.New(len(out), nil)
	if err != nil {
		return // lengths from 1 to 64 are always accepted
	}
	h.Write(in)
	h.Sum(out[:0])
}
