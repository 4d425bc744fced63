package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) messageOperations() []Operation {
	const (
		drivers   = "/pools/{pool}/message-drivers"
		templates = "/pools/{pool}/templates"
		words     = templates + "/{name}/{channel}/{lang}"
		sent      = "/pools/{pool}/deliveries"
		blocked   = "/pools/{pool}/suppressions"
		numbers   = "/pools/{pool}/test-numbers"
	)
	return []Operation{
		operate(p, manage.MessageKinds, http.MethodGet, "/pools/{pool}/message-driver-kinds", p.core.MessageKinds),
		operate(p, manage.MessageDriverList, http.MethodGet, drivers, p.core.MessageDrivers),
		operate(p, manage.MessageDriverGet, http.MethodGet, drivers+"/{id}", p.core.MessageDriver),
		operate(p, manage.MessageDriverPut, http.MethodPut, drivers+"/{id}", p.core.PutMessageDriver),
		operate(p, manage.MessageDriverMove, http.MethodPost, drivers+"/{id}/move", p.core.MoveMessageDriver),
		operate(p, manage.MessageDriverEnable, http.MethodPost, drivers+"/{id}/enable", p.core.EnableMessageDriver),
		operate(p, manage.MessageDriverDisable, http.MethodPost, drivers+"/{id}/disable", p.core.DisableMessageDriver),
		operate(p, manage.MessageDriverRemove, http.MethodDelete, drivers+"/{id}", p.core.RemoveMessageDriver),
		operate(p, manage.MessageDriverTest, http.MethodPost, drivers+"/{id}/test", p.core.TestMessageDriver),
		operate(p, manage.TemplateList, http.MethodGet, templates, p.core.Templates),
		operate(p, manage.TemplateGet, http.MethodGet, words, p.core.Template),
		operate(p, manage.TemplatePut, http.MethodPut, words, p.core.PutTemplate),
		operate(p, manage.TemplateReset, http.MethodDelete, words, p.core.ResetTemplate),
		operate(p, manage.TemplatePreview, http.MethodPost, words+"/preview", p.core.PreviewTemplate),
		operate(p, manage.DeliveryList, http.MethodGet, sent, p.core.MessageDeliveries),
		operate(p, manage.DeliveryGet, http.MethodGet, sent+"/{id}", p.core.MessageDelivery),
		operate(p, manage.SuppressionList, http.MethodGet, blocked, p.core.Suppressions),
		operate(p, manage.SuppressionForgive, http.MethodDelete, blocked+"/{id}", p.core.ForgiveSuppression),
		operate(p, manage.TestNumberList, http.MethodGet, numbers, p.core.TestNumbers),
		operate(p, manage.TestNumberPut, http.MethodPut, numbers+"/{number}", p.core.PutTestNumber),
		operate(p, manage.TestNumberRemove, http.MethodDelete, numbers+"/{number}", p.core.RemoveTestNumber),
	}
}
