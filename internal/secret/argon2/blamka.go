package argon2

import "math/bits"

// processBlockGeneric is the compression function G in plain Go.
func processBlockGeneric(out, in1, in2 *block, xor bool) {
	var t block
	for i := range t {
		t[i] = in1[i] ^ in2[i]
	}
	mixed := t
	permute(&mixed)
	for i := range t {
		t[i] ^= mixed[i]
	}
	for i := range t {
		if xor {
			out[i] ^= t[i]
		} else {
			out[i] = t[i]
		}
	}
}

// permute applies P to the eight rows, then to the eight columns of word pairs.
func permute(t *block) {
	for i := 0; i < blockLength; i += 16 {
		round(t, i, i+1, i+2, i+3, i+4, i+5, i+6, i+7, i+8, i+9, i+10, i+11, i+12, i+13, i+14, i+15)
	}
	for i := 0; i < 16; i += 2 {
		round(t, i, i+1, i+16, i+17, i+32, i+33, i+48, i+49, i+64, i+65, i+80, i+81, i+96, i+97, i+112, i+113)
	}
}

// round is the BLAKE2b round with multiplications over the words x names.
func round(t *block, x ...int) {
	for _, g := range [8][4]int{
		{0, 4, 8, 12},
		{1, 5, 9, 13},
		{2, 6, 10, 14},
		{3, 7, 11, 15},
		{0, 5, 10, 15},
		{1, 6, 11, 12},
		{2, 7, 8, 13},
		{3, 4, 9, 14},
	} {
		a, b, c, d := t[x[g[0]]], t[x[g[1]]], t[x[g[2]]], t[x[g[3]]]
		a, b, c, d = half(a, b, c, d, 32, 40)
		a, b, c, d = half(a, b, c, d, 48, 1)
		t[x[g[0]]], t[x[g[1]]], t[x[g[2]]], t[x[g[3]]] = a, b, c, d
	}
}

// half is half of BLAKE2b's mixing function, with multiplications of the low words.
func half(a, b, c, d uint64, rd, rb int) (uint64, uint64, uint64, uint64) {
	const low = 1<<32 - 1
	a += b + 2*(a&low)*(b&low)
	d = bits.RotateLeft64(d^a, rd)
	c += d + 2*(c&low)*(d&low)
	b = bits.RotateLeft64(b^c, rb)
	return a, b, c, d
}
