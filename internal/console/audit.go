package console

// auditRoutes are the pages about the audit trail.
func (c *Console) auditRoutes() []route {
	return nil
}
