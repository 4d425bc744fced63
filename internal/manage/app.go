package manage

// appOperations are what can be done with applications.
func appOperations() []Operation {
	return nil
}
