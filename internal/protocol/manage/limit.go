package manage

func (p *Protocol) limitOperations() []Operation {
	return nil
}
