package verify_test

import (
	"errors"
	"testing"

	"github.com/tigertally/tigertally/sdk/verify"
)

// Whatever a stranger sends is refused in order, unless it is the one good token.
func FuzzVerify(f *testing.F) {
	m := newForger(f)
	good := m.ec.sign(f, m.ec.head(), m.access())
	for _, seed := range []string{good, "", "..", "a.b.c", good[:len(good)-1], m.rsa.sign(f, m.rsa.head(), m.access())[:80]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := m.v.Verify(t.Context(), token)
		if token == good {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if claims != nil || !errors.Is(err, verify.ErrInvalid) {
			t.Errorf("%q: %v, %v", token, claims, err)
		}
	})
}
