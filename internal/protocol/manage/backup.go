package manage

func (p *Protocol) backupOperations() []Operation {
	return nil
}
