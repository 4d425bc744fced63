package cloudbase

import (
	"context"
	"net/http"
	"sync"
)

// Auth is who is signed in and every way to change that. Its methods carry the names of
// the JavaScript library's.
type Auth struct {
	app *App

	mu         sync.Mutex
	customSign func(context.Context) (string, error)
}

// Version is a version of the sign-in API. The zero value is V1.
type Version string

// The versions.
const (
	V1 Version = "v1"
	V2 Version = "v2"
)

// SignUpRequest makes an account. It needs a PhoneNumber or an Email with a
// VerificationToken of [Auth.Verify], or a ProviderToken.
type SignUpRequest struct {
	PhoneNumber       string `json:"phone_number,omitempty"`
	Email             string `json:"email,omitempty"`
	VerificationCode  string `json:"verification_code,omitempty"`
	VerificationToken string `json:"verification_token,omitempty"`
	ProviderToken     string `json:"provider_token,omitempty"`
	Username          string `json:"username,omitempty"` // to sign in with
	Password          string `json:"password,omitempty"`
	Name              string `json:"name,omitempty"` // to be shown
	Gender            string `json:"gender,omitempty"`
	Picture           string `json:"picture,omitempty"`
	Locale            string `json:"locale,omitempty"`
	// AnonymousToken is the access token of an anonymous session. The account keeps the
	// id and the data of the anonymous person.
	AnonymousToken string `json:"anonymous_token,omitempty"`
}

// SignUp makes an account and signs it in. ErrFailedPrecondition: the address has one.
func (a *Auth) SignUp(ctx context.Context, r SignUpRequest) (*LoginState, error) {
	r.PhoneNumber = phone(r.PhoneNumber)
	return a.signIn(ctx, "/v1/signup", r, V1)
}

// SignInRequest proves who somebody is with a Password or a VerificationToken.
type SignInRequest struct {
	Username          string `json:"username"` // a user name, an email address or a phone number
	Password          string `json:"password,omitempty"`
	VerificationToken string `json:"verification_token,omitempty"`

	// Encrypt hides the fields above from proxies that end TLS. It costs a request.
	Encrypt bool    `json:"-"`
	Version Version `json:"-"`
}

// SignIn signs somebody in. ErrNotFound, ErrInvalidPassword, ErrPasswordNotSet,
// ErrUserPending, ErrUserBlocked, ErrInvalidStatus and ErrInvalidTwoFactor say why not.
func (a *Auth) SignIn(ctx context.Context, r SignInRequest) (*LoginState, error) {
	path, body := "/v1/signin", any(r)
	if r.Version == V2 {
		path = "/v2/signin/username"
	}
	if r.Encrypt {
		var err error
		if body, err = a.app.encrypt(ctx, r); err != nil {
			return nil, err
		}
	}
	return a.signIn(ctx, path, body, r.Version)
}

// SignInAnonymously signs in somebody who stays nobody: the same nobody each time on
// this device. ErrUnimplemented or ErrLoginTypeDisabled: the environment wants none.
func (a *Auth) SignInAnonymously(ctx context.Context) (*LoginState, error) {
	return a.signIn(ctx, "/v1/signin/anonymously", struct{}{}, V1)
}

// SetCustomSignFunc says where SignInWithCustomTicket gets a ticket: usually from the
// program's own server, which makes it with [TicketKey.CreateTicket].
func (a *Auth) SetCustomSignFunc(fn func(context.Context) (ticket string, err error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.customSign = fn
}

type customRequest struct {
	ProviderID string `json:"provider_id"`
	Ticket     string `json:"ticket"`
}

// SignInWithCustomTicket signs in with a ticket of the function that SetCustomSignFunc
// was given, and fails with ErrFailedPrecondition when it was given none.
func (a *Auth) SignInWithCustomTicket(ctx context.Context) (*LoginState, error) {
	a.mu.Lock()
	fn := a.customSign
	a.mu.Unlock()
	if fn == nil {
		return nil, &Error{Name: ErrFailedPrecondition, Description: "SetCustomSignFunc has not been called"}
	}
	ticket, err := fn(ctx)
	if err != nil {
		return nil, err
	}
	return a.signIn(ctx, "/v1/signin/custom", customRequest{"custom", ticket}, V1)
}

// SignInWithSmsRequest is the answer to a code sent by [Auth.GetVerification].
type SignInWithSmsRequest struct {
	VerificationInfo GetVerificationResponse
	VerificationCode string
	PhoneNum         string
	// BindInfo links the account to somebody known to a provider. It is optional.
	BindInfo *BindInfo
}

// BindInfo names somebody a provider knows.
type BindInfo struct {
	ProviderToken string // links an account that exists
	ProviderID    string // goes with an account that is made
}

// SignInWithSms signs in with a code, and makes the account of a number that has none.
func (a *Auth) SignInWithSms(ctx context.Context, r SignInWithSmsRequest) (*LoginState, error) {
	proof, err := a.Verify(ctx, VerifyRequest{
		VerificationID: r.VerificationInfo.VerificationID, VerificationCode: r.VerificationCode,
	})
	if err != nil {
		return nil, err
	}
	var bind BindInfo
	if r.BindInfo != nil {
		bind = *r.BindInfo
	}
	if !r.VerificationInfo.IsUser {
		return a.SignUp(ctx, SignUpRequest{
			PhoneNumber: r.PhoneNum, VerificationToken: proof.VerificationToken, ProviderToken: bind.ProviderID,
		})
	}
	body := SignInRequest{Username: phone(r.PhoneNum), VerificationToken: proof.VerificationToken}
	if err := a.begin(ctx, "/v1/signin", body, V1); err != nil {
		return nil, err
	}
	if r.BindInfo != nil {
		if err := a.BindWithProvider(ctx, BindWithProviderRequest{ProviderToken: bind.ProviderToken}); err != nil {
			return nil, err
		}
	}
	return a.signedIn(ctx, V1)
}

// SignOut ends the session on the server and here. When the server cannot be told, the
// session stays and the error says why. It is no error that nobody is signed in.
func (a *Auth) SignOut(ctx context.Context) error {
	c, err := a.app.current(ctx)
	switch {
	case nameOf(err) == ErrUnauthenticated:
		// There is nothing the server has to be told.
	case err != nil:
		return err
	default:
		body := map[string]string{"token": c.AccessToken}
		if err := a.app.do(ctx, call{method: http.MethodPost, path: "/v1/revoke", body: body}, nil); err != nil {
			return err
		}
	}
	ctx = context.WithoutCancel(ctx) // the server has ended it
	err = a.app.storage.locked(ctx, func() error {
		if err := a.app.storage.remove(ctx, a.app.credentialsKey()); err != nil {
			return err
		}
		return a.app.storage.remove(ctx, a.app.userKey())
	})
	if err == nil {
		a.app.events.tell(ctx, Event{Type: SignedOut})
	}
	return err
}

// signIn begins a session and reads whose it is.
func (a *Auth) signIn(ctx context.Context, path string, body any, v Version) (*LoginState, error) {
	if err := a.begin(ctx, path, body, v); err != nil {
		return nil, err
	}
	return a.signedIn(ctx, v)
}

func (a *Auth) begin(ctx context.Context, path string, body any, v Version) error {
	var t tokens
	if err := a.app.do(ctx, call{method: http.MethodPost, path: path, body: body}, &t); err != nil {
		return err
	}
	// The session is there now; it is kept even for somebody who stopped waiting.
	if v != V2 {
		v = V1
	}
	return a.app.keep(context.WithoutCancel(ctx), t, v)
}

func (a *Auth) signedIn(ctx context.Context, v Version) (*LoginState, error) {
	u := &User{app: a.app}
	if err := u.load(ctx, v); err != nil {
		return nil, err
	}
	a.app.events.tell(ctx, Event{Type: SignedIn})
	return &LoginState{user: u}, nil
}
