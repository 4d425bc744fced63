package cloudbase_test

import (
	"context"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

// bound reports whether the world's account is linked to WeChat.
func (w *world) bound() bool {
	w.Helper()
	all, err := w.auth.GetProviders(w.Context())
	w.ok(err)
	if all.Total != len(all.Data) {
		w.Errorf("%d of %d providers", len(all.Data), all.Total)
	}
	i := slices.IndexFunc(all.Data, func(p cloudbase.Provider) bool { return p.ID == "wx_open" })
	if i < 0 {
		w.Fatalf("no wx_open among %+v", all.Data)
	}
	return all.Data[i].Bind
}

var providerMethods = []seedMethod{
	{
		Page: "Auth.genProviderRedirectUri", Go: "Auth.GenProviderRedirectURI",
		Run: func(w *world) {
			got, err := w.auth.GenProviderRedirectURI(w.Context(), cloudbase.GenProviderRedirectURIRequest{
				ProviderID: "wx_open", ProviderRedirectURI: callback, State: "s",
				OtherParams: map[string]string{"sign_out_uri": callback},
			})
			w.ok(err)
			if !strings.HasPrefix(got.URI, "http") {
				w.Errorf("got %+v", got)
			}
		},
		Refused: refusals{cloudbase.ErrNotFound: func(w *world) error {
			_, err := w.auth.GenProviderRedirectURI(w.Context(), cloudbase.GenProviderRedirectURIRequest{
				ProviderID: "nobody", ProviderRedirectURI: callback, State: "s",
			})
			return err
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.GenProviderRedirectURI(ctx, cloudbase.GenProviderRedirectURIRequest{ProviderID: "wx_open"})
			return err
		},
	},
	{
		Page: "Auth.grantProviderToken", Go: "Auth.GrantProviderToken",
		Run: func(w *world) {
			got, err := w.auth.GrantProviderToken(w.Context(), w.consent(w.auth, w.person()))
			w.ok(err)
			if got.ProviderToken == "" || got.ExpiresIn <= 0 || got.ProviderProfile.ProviderID != "wx_open" || got.ProviderProfile.Sub == "" {
				w.Errorf("got %+v", got)
			}
		},
		Refused: refusals{cloudbase.ErrFailedPrecondition: func(w *world) error {
			_, err := w.auth.GrantProviderToken(w.Context(), cloudbase.GrantProviderTokenRequest{ProviderID: miniProgram, ProviderCode: badMiniCode})
			return err
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.GrantProviderToken(ctx, cloudbase.GrantProviderTokenRequest{ProviderID: "wx_open"})
			return err
		},
	},
	{
		Page: "Auth.signInWithProvider", Go: "Auth.SignInWithProvider",
		Run: func(w *world) {
			who := w.person()
			var ids []string
			for _, v := range []cloudbase.Version{cloudbase.V1, cloudbase.V2} {
				info := w.settled(w.auth.SignInWithProvider(w.Context(), cloudbase.SignInWithProviderRequest{
					ProviderToken: w.vouched(w.auth, who), Version: v,
				}))
				ids = append(ids, info.UID)
			}
			if ids[0] != ids[1] {
				w.Error("the same person is two")
			}
		},
		Refused: refusals{cloudbase.ErrPermissionDenied: func(w *world) error {
			_, err := w.auth.SignInWithProvider(w.Context(), cloudbase.SignInWithProviderRequest{ProviderToken: "made up"})
			return err
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.SignInWithProvider(ctx, cloudbase.SignInWithProviderRequest{ProviderToken: "t"})
			return err
		},
	},
	{
		Page: "Auth.unbindProvider", Go: "Auth.UnbindProvider",
		Run: func(w *world) {
			w.signIn()
			w.ok(w.auth.BindWithProvider(w.Context(), cloudbase.BindWithProviderRequest{ProviderToken: w.vouched(w.auth, w.person())}))
			w.ok(w.auth.UnbindProvider(w.Context(), cloudbase.UnbindProviderRequest{ProviderID: "wx_open"}))
			if w.bound() {
				w.Error("linked still")
			}
		},
		Refused: refusals{
			cloudbase.ErrFailedPrecondition: func(w *world) error { // the only way in
				w.settled(w.auth.SignInWithProvider(w.Context(), cloudbase.SignInWithProviderRequest{ProviderToken: w.vouched(w.auth, w.person())}))
				return w.auth.UnbindProvider(w.Context(), cloudbase.UnbindProviderRequest{ProviderID: "wx_open"})
			},
			cloudbase.ErrNotFound: func(w *world) error {
				return w.signIn().auth.UnbindProvider(w.Context(), cloudbase.UnbindProviderRequest{ProviderID: "undefined"})
			},
			cloudbase.ErrLocal: func(w *world) error { // "" and ".." would be another path
				return w.signIn().auth.UnbindProvider(w.Context(), cloudbase.UnbindProviderRequest{ProviderID: ".."})
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			return a.UnbindProvider(ctx, cloudbase.UnbindProviderRequest{ProviderID: "wx_open"})
		},
	},
	{
		Page: "Auth.getProviders", Go: "Auth.GetProviders",
		Run: func(w *world) {
			if w.signIn().bound() {
				w.Error("a new account is linked")
			}
		},
		Refused: refusals{cloudbase.ErrUnauthenticated: func(w *world) error {
			_, err := w.auth.GetProviders(w.Context())
			return err
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.GetProviders(ctx)
			return err
		},
	},
	{
		Page: "Auth.bindWithProvider", Go: "Auth.BindWithProvider",
		Run: func(w *world) {
			w.signIn()
			w.ok(w.auth.BindWithProvider(w.Context(), cloudbase.BindWithProviderRequest{
				ProviderToken: w.vouched(w.auth, w.person()), SudoToken: w.sudo(),
			}))
			if !w.bound() {
				w.Error("not linked")
			}
		},
		Refused: refusals{
			cloudbase.ErrFailedPrecondition: func(w *world) error {
				who, a := w.person(), w.stranger()
				_, err := a.SignInWithProvider(w.Context(), cloudbase.SignInWithProviderRequest{ProviderToken: w.vouched(a, who)})
				w.ok(err)
				w.signIn()
				return w.auth.BindWithProvider(w.Context(), cloudbase.BindWithProviderRequest{ProviderToken: w.vouched(w.auth, who)})
			},
			cloudbase.ErrPermissionDenied: func(w *world) error {
				return w.signIn().auth.BindWithProvider(w.Context(), cloudbase.BindWithProviderRequest{ProviderToken: "made up"})
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			return a.BindWithProvider(ctx, cloudbase.BindWithProviderRequest{ProviderToken: "t"})
		},
	},
}
