package console

// doctorRoutes are the pages about checks of the installation.
func (c *Console) doctorRoutes() []route {
	return nil
}
