package manage

// transferOperations are what can be done with bringing people in and out.
func transferOperations() []Operation {
	return nil
}
