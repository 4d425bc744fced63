package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) providerOperations() []Operation {
	const all, one = "/pools/{pool}/providers", "/pools/{pool}/providers/{provider}"
	return []Operation{
		operate(p, manage.ProviderKinds, http.MethodGet, "/pools/{pool}/provider-kinds", p.core.Kinds),
		operate(p, manage.ProviderList, http.MethodGet, all, p.core.Providers),
		operate(p, manage.ProviderGet, http.MethodGet, one, p.core.Provider),
		operate(p, manage.ProviderPut, http.MethodPut, one, p.core.PutProvider),
		operate(p, manage.ProviderEnable, http.MethodPost, one+"/enable", p.core.EnableProvider),
		operate(p, manage.ProviderDisable, http.MethodPost, one+"/disable", p.core.DisableProvider),
		operate(p, manage.ProviderTest, http.MethodPost, one+"/test", p.core.TestProvider),
		operate(p, manage.ProviderRemove, http.MethodDelete, one, p.core.RemoveProvider),
		operate(p, manage.SignInWays, http.MethodGet, "/pools/{pool}/ways", p.core.SignInWays),
		operate(p, manage.AppTry, http.MethodPost, "/pools/{pool}/apps/{app}/try", p.core.TryApp),
	}
}
