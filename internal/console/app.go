package console

// appRoutes are the pages about applications.
func (c *Console) appRoutes() []route {
	return nil
}
