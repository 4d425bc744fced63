package console

// transferRoutes are the pages about bringing people in and out.
func (c *Console) transferRoutes() []route {
	return nil
}
