package cloudbase

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/web"
)

// dataFailure is the error of the data services, which have an envelope of their own
// and answer 200.
type dataFailure struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
}

func (p *Protocol) dataRoutes() []route {
	return []route{post("/web", web.Handle(p, p.data))}
}

// data answers calls of functions, database and storage, which are not ours.
func (p *Protocol) data(w http.ResponseWriter, r *http.Request) error {
	who := caller.From(r.Context())
	web.WriteJSON(w, http.StatusOK, dataFailure{
		Code: "INVALID_ACTION", Message: i18n.Text(who.Lang, errs.NotImplemented, nil), RequestID: who.RequestID,
	})
	return nil
}
