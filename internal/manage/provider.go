package manage

// providerOperations are what can be done with identity providers.
func providerOperations() []Operation {
	return nil
}
