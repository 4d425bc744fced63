package manage

func (p *Protocol) transferOperations() []Operation {
	return nil
}
