package manage

func (p *Protocol) operatorOperations() []Operation {
	return nil
}
