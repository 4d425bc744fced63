package manage

func (p *Protocol) appOperations() []Operation {
	return nil
}
