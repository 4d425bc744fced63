package manage

// userOperations are what can be done with people.
func userOperations() []Operation {
	return nil
}
