package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) pipelineOperations() []Operation {
	const all, one = "/pools/{pool}/pipelines", "/pools/{pool}/pipelines/{pipeline}"
	const env = "/pools/{pool}/pipeline-env"
	return []Operation{
		operate(p, manage.PipelineList, http.MethodGet, all, p.core.Functions),
		operate(p, manage.PipelineGet, http.MethodGet, one, p.core.Function),
		operate(p, manage.PipelinePut, http.MethodPut, one, p.core.PutFunction),
		operate(p, manage.PipelineEnable, http.MethodPost, one+"/enable", p.core.EnableFunction),
		operate(p, manage.PipelineDisable, http.MethodPost, one+"/disable", p.core.DisableFunction),
		operate(p, manage.PipelineMove, http.MethodPost, one+"/move", p.core.MoveFunction),
		operate(p, manage.PipelineRemove, http.MethodDelete, one, p.core.RemoveFunction),
		operate(p, manage.PipelineHistory, http.MethodGet, one+"/history", p.core.FunctionHistory),
		operate(p, manage.PipelineDryRun, http.MethodPost, "/pools/{pool}/pipeline-dry-run", p.core.DryRun),
		operate(p, manage.PipelineEnvList, http.MethodGet, env, p.core.FunctionVariables),
		operate(p, manage.PipelineEnvSet, http.MethodPut, env+"/{name}", p.core.SetFunctionVariable),
		operate(p, manage.PipelineEnvRemove, http.MethodDelete, env+"/{name}", p.core.RemoveFunctionVariable),
	}
}
