package manage

// doctorOperations are what can be done with checks of the installation.
func doctorOperations() []Operation {
	return nil
}
