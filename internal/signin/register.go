package signin

import (
	"cmp"
	"context"
	"maps"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// RegisterInput is what somebody brings to make an account. The address is the one that
// was verified: Phone or Email as typed must be it, and both may be left out. Without a
// Token, Code is the pending code for the typed address.
type RegisterInput struct {
	Client       pool.Client
	Phone, Email string
	Token, Code  string

	// Unproved lets people register without a Token or Code, by Phone, Email or the
	// user name in Profile, and a Password. The address is stored as a claim, not as
	// verified; whoever proves it later takes the account over (LK-01).
	Unproved bool

	Password string       // optional unless Unproved
	Profile  user.Profile // optional; Username is the sign-in name
	// Custom are custom fields; fields the pool does not define are left out.
	Custom map[string]any

	// AnonymousAccess is the access token of the anonymous person who becomes this
	// account and keeps their id (TK-04); "" makes a new person.
	AnonymousAccess string

	// Link is a provider token whose identity the account gets, "" for none.
	Link string

	// NoSession registers without signing in: the Outcome has a User only.
	NoSession bool

	CaptchaToken string
	Scope        string
	// Style is the form of the access token for a person; nil is the zero Style.
	Style   func(user.User) session.Style
	Context map[string]string
	// RequestContext is what the application tells the functions of the pool: text or an
	// object. Connection names the identity source, "" for local accounts.
	RequestContext any
	Connection     string
}

// Register makes an account and signs it in, unless NoSession says otherwise. The account,
// the spent token, the session and the record are one transaction; functions of the pool
// that look in between make it two.
//
// Errors: those of SignIn's verification method, and IdentifierTaken, UsernameTaken,
// UsernameInvalid, the Password… codes of a policy, AnonymousInvalid, FieldTooLong,
// PipelineDenied, PipelineFailed; with Link also TokenInvalid and ProviderUnknown.
func (s *Service) Register(ctx context.Context, in RegisterInput) (Outcome, error) {
	named := cmp.Or(in.Phone, in.Email)
	if named == "" && in.Profile.Username != nil {
		named = *in.Profile.Username
	}
	ctx = tell(ctx, named)
	if err := s.proofs.Gate(ctx, in.Client, in.CaptchaToken); err != nil {
		s.turnedAway(ctx, in.Client, audit.SignUp, err, nil)
		return Outcome{}, err
	}
	out, err := s.register(ctx, in)
	if err != nil {
		s.record(ctx, in.Client, audit.SignUp, out.User, err, nil)
	}
	return out, err
}

func (s *Service) register(ctx context.Context, in RegisterInput) (Outcome, error) {
	// What people can correct is refused before a try of a code is used up.
	profile, err := CheckProfile(in.Profile)
	if err != nil {
		return Outcome{}, err
	}
	in.Profile = profile
	if in.Password != "" {
		if err := s.proofs.CheckPassword(in.Client.Pool, in.Password); err != nil {
			return Outcome{}, err
		}
	}
	prove := s.proveRegistration
	if in.Unproved && in.Token == "" && in.Code == "" {
		prove = s.claimRegistration
	}
	p, err := prove(ctx, in)
	if err == nil {
		p, err = s.linking(ctx, Input{Client: in.Client, Link: in.Link}, p)
	}
	if err != nil {
		return Outcome{}, err
	}
	p.newcomer.password, p.newcomer.custom = in.Password, in.Custom
	p.body = registrationBody(in, p)
	return s.enroll(ctx, request{
		client: in.Client, action: audit.SignUp, scope: in.Scope, style: in.Style, detail: in.Context,
		noSession: in.NoSession,
		functions: s.functions(ctx, in.Client, p, in.Connection, in.RequestContext),
	}, p)
}

// proveRegistration vouches for the address that was verified.
func (s *Service) proveRegistration(ctx context.Context, in RegisterInput) (proof, error) {
	a, err := s.verified(ctx, in)
	if err != nil {
		return proof{}, err
	}
	p := s.addressProof(in.Client.Pool, a)
	p.amr = []string{"otp", a.Channel}
	u, err := s.draft(ctx, in, a.registeredBy())
	if err != nil {
		return proof{}, err
	}
	a.giveTo(&u)
	p.newcomer = &newcomer{user: u}
	return p, nil
}

// claimRegistration vouches for nothing but that a password was chosen.
func (s *Service) claimRegistration(ctx context.Context, in RegisterInput) (proof, error) {
	name := ""
	if in.Profile.Username != nil {
		name = *in.Profile.Username
	}
	kind, err := claimedKind(in.Phone, in.Email, name)
	if err != nil {
		return proof{}, err
	}
	if in.Password == "" {
		return proof{}, errs.New(errs.FieldMissing, "field", "password")
	}
	u, err := s.draft(ctx, in, string(kind))
	if err != nil {
		return proof{}, err
	}
	// A second address would be a claim nobody asked for.
	switch kind {
	case contact.KindPhone:
		u.Phone, err = contact.Phone(in.Phone, "")
	case contact.KindEmail:
		u.Email, err = contact.Email(in.Email)
	case contact.KindUsername:
	}
	return proof{
		newcomer: &newcomer{user: u, unproved: true},
		amr:      []string{"pwd"}, provider: string(kind), protocol: protocolPassword,
	}, err
}

// claimedKind is by what somebody registers without a proof.
func claimedKind(phone, email, username string) (contact.Kind, error) {
	switch {
	case phone != "":
		return contact.KindPhone, nil
	case email != "":
		return contact.KindEmail, nil
	case username != "":
		return contact.KindUsername, nil
	}
	return "", errs.New(errs.FieldMissing, "field", "username")
}

// registrationBody is the request as functions see it.
func registrationBody(in RegisterInput, p proof) map[string]any {
	body := map[string]any{"forceLogin": !in.NoSession}
	u := p.newcomer.user
	for kind, value := range map[contact.Kind]string{
		contact.KindPhone: u.Phone, contact.KindEmail: u.Email, contact.KindUsername: u.Username,
	} {
		if value != "" {
			maps.Copy(body, claim(kind, value))
		}
	}
	if profile := shownProfile(in.Profile); len(profile) > 0 {
		body["profile"] = profile
	}
	return body
}

// shownProfile is a profile by the names functions know.
func shownProfile(p user.Profile) map[string]any {
	shown := make(map[string]any)
	for name, text := range map[string]*string{
		"name": p.Name, "photo": p.Picture, "gender": p.Gender, "locale": p.Locale,
		"birthdate": p.Birthdate, "zoneinfo": p.Zoneinfo,
	} {
		if text != nil {
			shown[name] = *text
		}
	}
	for name, text := range p.Attributes {
		if text != nil {
			shown[name] = *text
		}
	}
	return shown
}

// verified returns the address that was proved and holds it against what was typed.
func (s *Service) verified(ctx context.Context, in RegisterInput) (Address, error) {
	typed := make([]string, 0, 2)
	for _, a := range [][2]string{{in.Phone, ""}, {"", in.Email}} {
		if a[0]+a[1] == "" {
			continue
		}
		target, _, err := Target(a[0], a[1])
		if err != nil {
			return Address{}, err
		}
		typed = append(typed, target)
	}
	token := in.Token
	if token == "" {
		token = in.Code
	}
	if token == "" {
		return Address{}, errs.New(errs.FieldMissing, "field", "verification_token")
	}
	if len(typed) == 0 {
		return s.proofs.Address(ctx, in.Client, token, "", UsageRegister)
	}
	// With two addresses typed the verified one counts; the other proves nothing and is
	// not stored.
	var a Address
	var err error
	for _, target := range typed {
		a, err = s.proofs.Address(ctx, in.Client, token, target, UsageRegister)
		if errs.CodeOf(err) != errs.IdentifierMismatch {
			break
		}
	}
	return a, err
}

// draft puts together the person to be stored: a new one, or the anonymous one.
func (s *Service) draft(ctx context.Context, in RegisterInput, how string) (user.User, error) {
	u := blank(ctx, in.Client.Pool, how)
	if in.AnonymousAccess != "" {
		var err error
		if u, err = s.anonymous(ctx, in); err != nil {
			return user.User{}, err
		}
		u.Kind, u.RegisteredBy = user.KindRegular, how
	}
	in.Profile.Apply(&u)
	return u, nil
}

// anonymous returns the person an anonymous access token belongs to.
func (s *Service) anonymous(ctx context.Context, in RegisterInput) (user.User, error) {
	p, err := s.Sessions.Verify(ctx, in.AnonymousAccess)
	if errs.CodeOf(err) == errs.SessionInvalid {
		return user.User{}, errs.New(errs.AnonymousInvalid).Because(err)
	}
	if err != nil {
		return user.User{}, err
	}
	if p.PoolID != in.Client.Pool.ID || p.ClientID != in.Client.ID {
		return user.User{}, errs.New(errs.AnonymousInvalid)
	}
	u, err := s.Users.ByID(ctx, p.PoolID, p.UserID)
	if err != nil {
		return user.User{}, err
	}
	if !u.Anonymous() {
		return user.User{}, errs.New(errs.AnonymousInvalid)
	}
	return u, nil
}
