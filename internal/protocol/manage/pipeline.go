package manage

func (p *Protocol) pipelineOperations() []Operation {
	return nil
}
