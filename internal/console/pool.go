package console

// poolRoutes are the pages about user pools and their settings.
func (c *Console) poolRoutes() []route {
	return nil
}
