package manage

// webhookOperations are what can be done with webhooks.
func webhookOperations() []Operation {
	return nil
}
