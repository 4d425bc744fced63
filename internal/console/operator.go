package console

// operatorRoutes are the pages about administrators and their API keys.
func (c *Console) operatorRoutes() []route {
	return nil
}
