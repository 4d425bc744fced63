package manage

// operatorOperations are what can be done with administrators and their API keys.
func operatorOperations() []Operation {
	return nil
}
