package console

// limitRoutes are the pages about limits and lockouts.
func (c *Console) limitRoutes() []route {
	return nil
}
