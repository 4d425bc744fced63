package manage

func (p *Protocol) metricOperations() []Operation {
	return nil
}
