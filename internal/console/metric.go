package console

// metricRoutes are the pages about numbers over time.
func (c *Console) metricRoutes() []route {
	return nil
}
