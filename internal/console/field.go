package console

// fieldRoutes are the pages about custom fields.
func (c *Console) fieldRoutes() []route {
	return nil
}
