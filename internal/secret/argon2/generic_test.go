package argon2

import "testing"

func TestGenericCompressionAgreesWithTheAssembly(t *testing.T) {
	var a, b block
	for i := range a {
		a[i], b[i] = uint64(i)*0x9E3779B97F4A7C15, uint64(i)*0xC2B2AE3D27D4EB4F+7
	}
	for _, xor := range []bool{false, true} {
		got, want := a, a
		processBlockGeneric(&got, &a, &b, xor)
		if xor {
			processBlockXOR(&want, &a, &b)
		} else {
			processBlock(&want, &a, &b)
		}
		if got != want {
			t.Errorf("xor=%v: the two differ", xor)
		}
	}
}
