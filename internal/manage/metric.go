package manage

// metricOperations are what can be done with numbers over time.
func metricOperations() []Operation {
	return nil
}
