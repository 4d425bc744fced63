package manage

func (p *Protocol) providerOperations() []Operation {
	return nil
}
