package manage

func (p *Protocol) webhookOperations() []Operation {
	return nil
}
