package signin

import (
	"context"
	"strings"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

// RegisterInput is what somebody brings to make an account. The address is the one that
// was verified: Phone or Email as typed must be it, and both may be left out. Without a
// Token, Code is the pending code for the typed address.
type RegisterInput struct {
	Client       pool.Client
	Phone, Email string
	Token, Code  string

	Password string       // optional
	Profile  user.Profile // optional; Username is the sign-in name

	// AnonymousAccess is the access token of the anonymous person who becomes this
	// account and keeps their id (TK-04); "" makes a new person.
	AnonymousAccess string

	CaptchaToken string
	Scope        string
	Context      map[string]string
}

// Register makes an account and signs it in. The account, the spent token, the session
// and the record are one transaction.
//
// Errors: those of SignIn's verification method, and IdentifierTaken, UsernameTaken,
// UsernameInvalid, the Password… codes of a policy, AnonymousInvalid, FieldTooLong.
func (s *Service) Register(ctx context.Context, in RegisterInput) (Outcome, error) {
	if err := s.proofs.Gate(ctx, in.Client, in.CaptchaToken); err != nil {
		return Outcome{}, err
	}
	out, err := s.register(ctx, in)
	if err != nil {
		s.record(ctx, in.Client, audit.SignUp, out.User, err, nil)
	}
	return out, err
}

func (s *Service) register(ctx context.Context, in RegisterInput) (Outcome, error) {
	// What people can correct is refused before the proof is looked at: a bare code works
	// once, and would be lost.
	if _, err := CheckProfile(in.Profile); err != nil {
		return Outcome{}, err
	}
	if in.Password != "" {
		if err := s.proofs.CheckPassword(in.Client.Pool, in.Password); err != nil {
			return Outcome{}, err
		}
	}
	address, err := s.verified(ctx, in)
	if err != nil {
		return Outcome{}, err
	}
	u, err := s.draft(ctx, in, address)
	if err != nil {
		return Outcome{}, err
	}
	// Refuse early what is known to be taken: hashing is dear.
	if _, err := s.Users.ByTarget(ctx, u.PoolID, address.Target); errs.CodeOf(err) != errs.UserNotFound {
		if err == nil {
			err = errs.New(errs.IdentifierTaken)
		}
		return Outcome{}, err
	}
	if in.Password != "" {
		if u.PasswordHash, err = s.proofs.NewPassword(ctx, in.Client.Pool, u, in.Password); err != nil {
			return Outcome{}, err
		}
	}
	out, err := s.enroll(ctx, in, u, address)
	return out, s.Users.Conflict(ctx, err, u)
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
func (s *Service) draft(ctx context.Context, in RegisterInput, a Address) (user.User, error) {
	u := user.User{
		PoolID: in.Client.Pool.ID, Kind: user.KindRegular, Status: user.StatusActive,
		CreatedFrom: caller.From(ctx).Protocol,
	}
	if in.AnonymousAccess != "" {
		var err error
		if u, err = s.anonymous(ctx, in); err != nil {
			return user.User{}, err
		}
	}
	profile, err := CheckProfile(in.Profile)
	if err != nil {
		return user.User{}, err
	}
	profile.Apply(&u)
	if a.Channel == code.SMS {
		u.Phone, u.PhoneVerified = a.Target, true
	} else {
		u.Email, u.EmailVerified = a.Target, true
	}
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

// enroll is the one transaction of a registration.
func (s *Service) enroll(ctx context.Context, in RegisterInput, u user.User, a Address) (Outcome, error) {
	var out Outcome
	p := proof{user: u, amr: []string{"otp", a.Channel}, provider: "phone"}
	if a.Channel == code.Email {
		p.provider = "email"
	}
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.proofs.Spend(ctx, u.PoolID, a); err != nil {
			return err
		}
		stored := u
		if err := s.store(ctx, &stored); err != nil {
			return err
		}
		if err := s.Users.TouchSignIn(ctx, stored); err != nil {
			return err
		}
		tokens, err := s.begin(ctx, in.Client, stored, p, in.Scope)
		if err != nil {
			return err
		}
		out = Outcome{Session: &tokens, User: stored}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: u.PoolID, Action: audit.SignUp, UserID: stored.ID,
			ClientID: in.Client.ID, SessionID: tokens.SessionID, Detail: in.Context,
		})
	})
	if err != nil {
		return Outcome{}, err
	}
	out.User.LastSignInAt = s.Now()
	return out, nil
}

// store creates u, or turns the anonymous person with its id into u and ends every
// session that was anonymous.
func (s *Service) store(ctx context.Context, u *user.User) error {
	if u.ID == "" {
		return s.Users.Create(ctx, u)
	}
	if err := s.Users.Promote(ctx, u); err != nil {
		return err
	}
	u.Identities = nil
	_, err := s.Sessions.RevokeUser(ctx, u.ID, "", "upgraded")
	return err
}

// NewPassword checks a new password of u against the rules of the pool and hashes it.
// It must not run in a transaction.
func (p *Proofs) NewPassword(ctx context.Context, in pool.Pool, u user.User, password string) (string, error) {
	local, _, _ := strings.Cut(u.Email, "@")
	if err := passwordRules(in).Check(password, u.Username, u.Name, local, u.Phone, in.Settings.ProductName); err != nil {
		return "", err
	}
	return p.hasher.Hash(ctx, in.ID, password)
}

// CheckPassword refuses what the rules of the pool refuse for everybody. Flows call it
// before they look at a proof that is spent by looking.
func (p *Proofs) CheckPassword(in pool.Pool, password string) error {
	return passwordRules(in).Check(password)
}

func passwordRules(in pool.Pool) contact.PasswordPolicy {
	return contact.PasswordPolicy{Min: in.Settings.PasswordMin, Common: in.Settings.PasswordCommon}
}
