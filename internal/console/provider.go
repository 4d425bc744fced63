package console

// providerRoutes are the pages about identity providers.
func (c *Console) providerRoutes() []route {
	return nil
}
