package captcha

import "math/rand/v2"

// noise is where a picture's irregularity comes from: a ChaCha8 stream whose seed is
// secret, so neither the answer nor the bends can be foreseen.
type noise struct{ *rand.Rand }

func newNoise(seed []byte) noise {
	return noise{rand.New(rand.NewChaCha8([32]byte(seed)))} //nolint:gosec // A cryptographic generator with a secret seed.
}

// pick takes n characters of from, each equally likely.
func (n noise) pick(from string, count int) string {
	b := make([]byte, count)
	for i := range b {
		b[i] = from[n.IntN(len(from))]
	}
	return string(b)
}

// between is uniform over [low, high).
func (n noise) between(low, high float64) float64 { return low + (high-low)*n.Float64() }
