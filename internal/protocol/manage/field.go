package manage

func (p *Protocol) fieldOperations() []Operation {
	return nil
}
