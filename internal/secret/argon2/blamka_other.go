//go:build !amd64 || purego || !gc

package argon2

func processBlock(out, in1, in2 *block) { processBlockGeneric(out, in1, in2, false) }

func processBlockXOR(out, in1, in2 *block) { processBlockGeneric(out, in1, in2, true) }
