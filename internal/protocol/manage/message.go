package manage

func (p *Protocol) messageOperations() []Operation {
	return nil
}
