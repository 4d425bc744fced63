package manage

func (p *Protocol) userOperations() []Operation {
	return nil
}
