package manage

import (
	"context"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/operator"
)

// The steps of setting up a pool.
const (
	setupApplication = "application" // pages may use it
	setupSMS         = "sms"
	setupMail        = "mail"
	setupProvider    = "provider"
	setupSignIn      = "sign_in"
)

// Setup says how far a pool has been set up, from what is there.
func (s *Service) Setup(ctx context.Context, p operator.Principal, in api.PoolRef) (api.Setup, error) {
	if _, err := s.may(ctx, p, PoolSetup, in.Pool); err != nil {
		return api.Setup{}, err
	}
	ready, err := s.d.Numbers.Ready(ctx, in.Pool)
	if err != nil {
		return api.Setup{}, err
	}
	app, err := s.usedApp(ctx, in.Pool)
	if err != nil {
		return api.Setup{}, err
	}
	first, _, err := s.d.Audit.Search(ctx, in.Pool, audit.Query{Action: audit.SignIn, Result: audit.OK}, 1, "")
	if err == nil && len(first) == 0 {
		first, _, err = s.d.Audit.Search(ctx, in.Pool, audit.Query{Action: audit.SignUp, Result: audit.OK}, 1, "")
	}
	if err != nil {
		return api.Setup{}, err
	}
	out := api.Setup{Done: true, Steps: []api.SetupStep{
		{Name: setupApplication, Done: app != "", About: app},
		{Name: setupSMS, Done: ready.SMS != "", About: ready.SMS},
		{Name: setupMail, Done: ready.Mail != "", About: ready.Mail, Optional: true},
		{Name: setupProvider, Done: ready.Provider != "", About: ready.Provider, Optional: true},
		{Name: setupSignIn, Done: len(first) > 0},
	}}
	for _, step := range out.Steps {
		out.Done = out.Done && (step.Done || step.Optional)
	}
	return out, nil
}

// usedApp is an application that pages or apps may use already, "" for none.
func (s *Service) usedApp(ctx context.Context, poolID string) (string, error) {
	apps, err := s.d.Pools.Apps(ctx, poolID)
	if err != nil {
		return "", err
	}
	for _, a := range apps {
		if len(a.Settings.Origins) > 0 || len(a.Settings.RedirectURIs) > 0 {
			return a.Name, nil
		}
	}
	return "", nil
}
