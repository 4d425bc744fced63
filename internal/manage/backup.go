package manage

// backupOperations are what can be done with backups.
func backupOperations() []Operation {
	return nil
}
