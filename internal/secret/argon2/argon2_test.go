package argon2_test

import (
	"bytes"
	"fmt"
	"testing"

	reference "golang.org/x/crypto/argon2"

	"github.com/tigertally/tigertally/internal/secret/argon2"
)

func TestKeyAgreesWithTheReference(t *testing.T) {
	var mem argon2.Memory
	defer mem.Release()
	for _, c := range []struct {
		p argon2.Params
		n uint32
	}{
		{argon2.Params{Memory: 8, Time: 1, Threads: 1}, 32},
		{argon2.Params{Memory: 1024, Time: 2, Threads: 1}, 32},
		{argon2.Params{Memory: 64, Time: 1, Threads: 1}, 16}, // dirty memory from the case before
		{argon2.Params{Memory: 1000, Time: 3, Threads: 4}, 64},
		{argon2.Params{Memory: 517, Time: 2, Threads: 3}, 65},
		{argon2.Params{Memory: 19456, Time: 2, Threads: 1}, 32},
		{argon2.Params{Memory: 4096, Time: 1, Threads: 8}, 200},
		{argon2.Params{Memory: 1, Time: 1, Threads: 2}, 96},
	} {
		t.Run(fmt.Sprintf("m=%d,t=%d,p=%d,n=%d", c.p.Memory, c.p.Time, c.p.Threads, c.n), func(t *testing.T) {
			password, salt := []byte("correct horse"), []byte("0123456789abcdef")
			want := reference.IDKey(password, salt, c.p.Time, c.p.Memory, c.p.Threads, c.n)
			got, err := argon2.Key(&mem, password, salt, c.p, c.n)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %x, %v; want %x", got, err, want)
			}
		})
	}
}

// The pool reuses its memory; the reference allocates 19 MiB for every hash.
func BenchmarkKey(b *testing.B) {
	var mem argon2.Memory
	defer mem.Release()
	for b.Loop() {
		if _, err := argon2.Key(&mem, []byte("password"), []byte("0123456789abcdef"), argon2.Params{Memory: 19456, Time: 2, Threads: 1}, 32); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReference(b *testing.B) {
	for b.Loop() {
		reference.IDKey([]byte("password"), []byte("0123456789abcdef"), 2, 19456, 1, 32)
	}
}
