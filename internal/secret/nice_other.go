//go:build !linux

package secret

// lowerPriority does nothing: elsewhere a priority belongs to the whole process.
func lowerPriority() {}
