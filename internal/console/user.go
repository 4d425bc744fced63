package console

// userRoutes are the pages about people.
func (c *Console) userRoutes() []route {
	return nil
}
