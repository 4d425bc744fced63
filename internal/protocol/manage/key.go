package manage

func (p *Protocol) keyOperations() []Operation {
	return nil
}
