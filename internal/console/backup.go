package console

// backupRoutes are the pages about backups.
func (c *Console) backupRoutes() []route {
	return nil
}
