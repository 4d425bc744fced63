package console

// keyRoutes are the pages about keys and secrets.
func (c *Console) keyRoutes() []route {
	return nil
}
