package manage

// limitOperations are what can be done with limits and lockouts.
func limitOperations() []Operation {
	return nil
}
