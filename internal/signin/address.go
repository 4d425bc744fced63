package signin

import (
	"context"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// Usage says what a verification was asked for. An edge translates its own words; what
// it does not know is UsageAny.
type Usage string

// The usages.
const (
	UsageAny      Usage = ""         // the application did not say: good for one of all
	UsageRegister Usage = "register" //
	UsageSignIn   Usage = "sign_in"  //
	UsageReset    Usage = "password_reset"
	UsageContact  Usage = "contact_change"
	UsageSudo     Usage = "sudo"
	UsageMFA      Usage = "mfa"
	// UsageEnter is sign-in or registration, whichever fits the address.
	UsageEnter Usage = "enter"
	// UsageJoin is UsageEnter, told to people as a new contact of theirs.
	UsageJoin Usage = "join"
	// UsageRecover is a password reset, or a sign-in instead of one.
	UsageRecover Usage = "recover"
	// UsageConfirm is a sudo proof, or a sign-in instead of one.
	UsageConfirm Usage = "confirm"
	// UsageAll is for clients whose words never say more: anything but a sudo proof.
	UsageAll Usage = "all"
)

// accepted lists the usages a code may have been sent for to be spent as want.
func accepted(want Usage) []string {
	all := []Usage{
		UsageAny, UsageRegister, UsageSignIn, UsageReset, UsageContact, UsageSudo, UsageMFA,
		UsageEnter, UsageJoin, UsageRecover, UsageConfirm, UsageAll,
	}
	good := make([]string, 0, len(all))
	for _, u := range all {
		if u.serves(want) {
			good = append(good, string(u))
		}
	}
	return good
}

// serves reports whether a verification asked for as u may be spent as want (VC-05).
func (u Usage) serves(want Usage) bool {
	switch u {
	case UsageAny, want:
		return true
	case UsageEnter, UsageJoin:
		return want == UsageRegister || want == UsageSignIn || want == UsageContact
	case UsageRecover:
		return want == UsageReset || want == UsageSignIn
	case UsageConfirm:
		return want == UsageSudo || want == UsageSignIn
	case UsageAll:
		return want != UsageSudo
	case UsageRegister, UsageSignIn, UsageReset, UsageContact, UsageSudo, UsageMFA:
	}
	return false
}

// Address is a phone number or email address somebody has shown to be theirs.
type Address struct {
	Channel string // code.SMS or code.Email
	Target  string // canonical
	Usage   Usage
	// AskedBy is the signed-in user who asked for the code, "" for nobody (TK-06).
	AskedBy string

	token string        // what was shown, or
	code  code.Verified // the code that was shown bare
}

// Issue turns a verified code into a verification token, bound to the pool, the client,
// the address, the usage and who asked. It is void when that user, or else the proved
// owner of the address, changes password or contacts (LK-04).
func (p *Proofs) Issue(ctx context.Context, c pool.Client, v code.Verified) (token string, life time.Duration, err error) {
	holder := v.UserID
	if holder == "" {
		owner, err := p.users.ByTarget(ctx, c.Pool.ID, v.Target)
		if err != nil && errs.CodeOf(err) != errs.UserNotFound {
			return "", 0, err
		}
		if owner.Owns(v.Target) { // who only claims it has no say
			holder = owner.ID
		}
	}
	life = c.Pool.Settings.VerificationLife
	token, err = p.tickets.Issue(ctx, ticket.Ticket{
		Class: ticket.Verification, PoolID: c.Pool.ID, ClientID: c.ID, UserID: holder,
		Binding: map[string]string{
			"channel": v.Channel, "target": v.Target, "usage": v.Usage, "asked_by": v.UserID, "code": v.ID,
		},
		UsesLeft: 1, ExpiresAt: p.now().Add(life),
	})
	return token, life, err
}

// Address reads a verification token without spending it, for use as want. Target is
// the address the caller expects, canonical, or "" for whichever was verified. Instead of
// a token the digits of a pending code for target are accepted: some clients have no
// step between. ctx must then carry no transaction, for the try is counted first.
//
// Errors: VerificationInvalid, IdentifierMismatch, CodeWrong, CodeAttempts.
func (p *Proofs) Address(ctx context.Context, c pool.Client, token, target string, want Usage) (Address, error) {
	if target != "" && isCode(token) {
		return p.pending(ctx, c, token, target, want)
	}
	t, err := p.tickets.Peek(ctx, ticket.Verification, c.Pool.ID, token)
	if err != nil {
		return Address{}, verificationInvalid(err)
	}
	a := Address{
		Channel: t.Binding["channel"], Target: t.Binding["target"],
		Usage: Usage(t.Binding["usage"]), AskedBy: t.Binding["asked_by"], token: token,
	}
	switch {
	case t.ClientID != c.ID, !a.Usage.serves(want):
		return Address{}, errs.New(errs.VerificationInvalid)
	case target != "" && target != a.Target:
		return Address{}, errs.New(errs.IdentifierMismatch)
	}
	return a, nil
}

// Spend uses up the token or the code a came from. It must run in the transaction of the
// effect, so that of many who show one, one gets it (TK-02, VC-04).
func (p *Proofs) Spend(ctx context.Context, poolID string, a Address) error {
	if a.token == "" {
		return p.codes.Spend(ctx, a.code)
	}
	_, err := p.tickets.Spend(ctx, ticket.Verification, poolID, a.token)
	return verificationInvalid(err)
}

// Code reads the digits of a code sent to target without spending it, as Address does
// for clients that may show either.
//
// Errors: CodeWrong, CodeAttempts.
func (p *Proofs) Code(ctx context.Context, c pool.Client, digits, target string, want Usage) (Address, error) {
	return p.pending(ctx, c, digits, target, want)
}

// pending matches a code that is still waiting for target.
func (p *Proofs) pending(ctx context.Context, c pool.Client, digits, target string, want Usage) (Address, error) {
	if err := p.guess(ctx, c.Pool); err != nil {
		return Address{}, err
	}
	v, err := p.codes.CheckTarget(ctx, c.Pool.ID, c.ID, target, accepted(want), digits)
	if err != nil {
		return Address{}, err
	}
	if err := p.guessed(ctx, c.Pool); err != nil {
		return Address{}, err
	}
	return Address{Channel: v.Channel, Target: v.Target, Usage: Usage(v.Usage), AskedBy: v.UserID, code: v}, nil
}

// guess counts a bare code against the address it comes from before it is looked at, with
// those that are exchanged for a token; guessed takes back one that was right.
func (p *Proofs) guess(ctx context.Context, in pool.Pool) error {
	if !in.Settings.Limits {
		return nil
	}
	return p.limits.Take(ctx, guessKey(ctx, in.ID), limit.VerifyAddress())
}

func (p *Proofs) guessed(ctx context.Context, in pool.Pool) error {
	if !in.Settings.Limits {
		return nil
	}
	return p.limits.Refund(ctx, guessKey(ctx, in.ID), limit.VerifyAddress())
}

func guessKey(ctx context.Context, poolID string) string {
	return limit.CodesTried.In(poolID, caller.From(ctx).Prefix())
}

// registeredBy is how an account that begins with this address was registered.
func (a Address) registeredBy() string {
	if a.Channel == code.Email {
		return "email-code"
	}
	return "phone-code"
}

// giveTo makes the address a verified contact of u.
func (a Address) giveTo(u *user.User) {
	if a.Channel == code.Email {
		u.Email, u.EmailVerified = a.Target, true
	} else {
		u.Phone, u.PhoneVerified = a.Target, true
	}
}

// isCode tells the digits of a code from a token.
func isCode(s string) bool {
	return len(s) >= 4 && len(s) <= 10 && strings.Trim(s, "0123456789") == ""
}

func verificationInvalid(err error) error {
	if errs.CodeOf(err) == errs.TokenInvalid {
		return errs.New(errs.VerificationInvalid).Because(err)
	}
	return err
}

// Target returns the canonical form and channel of the one of phone and email that is
// given, as typed; both empty is FieldMissing.
func Target(phone, email string) (target, channel string, err error) {
	switch {
	case phone != "":
		target, err = contact.Phone(phone, "")
		return target, code.SMS, err
	case email != "":
		target, err = contact.Email(email)
		return target, code.Email, err
	}
	return "", "", errs.New(errs.FieldMissing, "field", "phone_number")
}
