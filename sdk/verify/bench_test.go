package verify_test

import "testing"

func BenchmarkVerify(b *testing.B) {
	f := newForger(b)
	for _, s := range []signer{f.ec, f.rsa} {
		b.Run(s.alg, func(b *testing.B) {
			token := s.sign(b, s.head(), f.access())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
