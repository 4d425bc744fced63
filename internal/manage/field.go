package manage

// fieldOperations are what can be done with custom fields.
func fieldOperations() []Operation {
	return nil
}
