package console

// pipelineRoutes are the pages about functions.
func (c *Console) pipelineRoutes() []route {
	return nil
}
