package manage

// messageOperations are what can be done with messages: drivers, templates, deliveries and test numbers.
func messageOperations() []Operation {
	return nil
}
