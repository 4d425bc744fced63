package manage

// pipelineOperations are what can be done with functions.
func pipelineOperations() []Operation {
	return nil
}
