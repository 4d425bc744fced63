package manage

func (p *Protocol) doctorOperations() []Operation {
	return nil
}
