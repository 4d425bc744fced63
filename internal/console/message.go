package console

// messageRoutes are the pages about messages: drivers, templates, deliveries and test numbers.
func (c *Console) messageRoutes() []route {
	return nil
}
