package manage

func (p *Protocol) auditOperations() []Operation {
	return nil
}
