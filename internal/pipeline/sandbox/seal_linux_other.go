//go:build linux && !amd64 && !arm64

package sandbox

// seal does nothing here: the list of calls is one processor's.
func seal() error { return nil }
