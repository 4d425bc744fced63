package manage

// keyOperations are what can be done with keys and secrets.
func keyOperations() []Operation {
	return nil
}
