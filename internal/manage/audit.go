package manage

// auditOperations are what can be done with the audit trail.
func auditOperations() []Operation {
	return nil
}
