package sandbox

// Confine limits this process as a worker limits itself.
func Confine() error {
	if err := confine(); err != nil {
		return err
	}
	return enclose()
}
