package signin

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/revocation"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// Proofs check what people show: passwords, under the limits on wrong ones, and
// verification tokens. It is shared by every flow, so that no way in has limits of its
// own (AT-01).
type Proofs struct {
	users    *user.Service
	codes    *code.Service
	tickets  *ticket.Service
	limits   *limit.Service
	captcha  *captcha.Service
	hasher   *secret.Hasher
	sessions *session.Service
	// connections say which providers are switched on.
	connections *connection.Service
	// revocations keep what providers want back when somebody leaves.
	revocations *revocation.Service
	// pendings end what is pending elsewhere, see Pending.
	pendings []func(ctx context.Context, userID string) error

	now  func() time.Time
	inTx func(context.Context, func(context.Context) error) error
}

func newProofs(d Deps) *Proofs {
	return &Proofs{
		users: d.Users, codes: d.Codes, tickets: d.Tickets, limits: d.Limits,
		captcha: d.Captcha, hasher: d.Hasher, sessions: d.Sessions, now: d.Now, inTx: d.DB.InTx,
		connections: d.Connections, revocations: d.Revocations,
	}
}

// Gate refuses a client address that has lately been wrong too often, and asks it for a
// captcha before that. It costs two indexed reads.
func (p *Proofs) Gate(ctx context.Context, c pool.Client, captchaToken string) error {
	if err := p.address(ctx, c.Pool); err != nil || !c.Pool.Settings.Limits {
		return err
	}
	audit.Note(ctx, audit.StepLimit, limit.PasswordAddress().Name+" has room")
	if c.Pool.Settings.Captcha == pool.CaptchaOff {
		return nil
	}
	spread := limit.PasswordAccounts()
	if n, _, err := p.limits.Count(ctx, addressKey(ctx, c.Pool.ID), spread); err != nil || n < p.limits.Most(spread) {
		audit.Note(ctx, audit.StepCaptcha, "not needed")
		return err
	}
	err := p.captcha.Check(ctx, c.Pool, c.ID, captchaToken)
	if err != nil {
		audit.Note(ctx, audit.StepCaptcha, "needed: "+string(errs.CodeOf(err)))
		return err
	}
	audit.Note(ctx, audit.StepCaptcha, "needed: passed")
	return nil
}

// address refuses a client address that has lately been wrong too often.
func (p *Proofs) address(ctx context.Context, in pool.Pool) error {
	if !in.Settings.Limits {
		return nil
	}
	return p.locked(ctx, addressKey(ctx, in.ID), errs.TooManyRequests, limit.PasswordAddress())
}

// Sealed returns a new password that a client encrypted and open decrypts. One that cannot
// be read is PasswordInvalid and counts as a wrong password of its address: whoever may
// ask without end what can be read learns what others have encrypted (PW-12). Too many,
// and nothing is read: TooManyRequests.
func (p *Proofs) Sealed(ctx context.Context, in pool.Pool, open func() ([]byte, error)) (string, error) {
	if err := p.address(ctx, in); err != nil {
		return "", err
	}
	plain, err := open()
	if err != nil {
		return "", err
	}
	if len(plain) > 0 && utf8.Valid(plain) {
		return string(plain), nil
	}
	if in.Settings.Limits {
		if _, err := p.limits.Add(ctx, addressKey(ctx, in.ID), limit.PasswordAddress()); err != nil {
			return "", err
		}
	}
	return "", errs.New(errs.PasswordInvalid)
}

// Password is the result of a right password.
type Password struct {
	key      string
	old, phc string // a stronger hash to store, if phc is set
}

// Password checks the password of u under the limits on wrong ones. It must not run in
// a transaction: hashing takes long, and a wrong password has to be counted.
func (p *Proofs) Password(ctx context.Context, in pool.Pool, u user.User, password string) (Password, error) {
	key := limit.WrongPasswords.In(in.ID, u.ID)
	rules := []limit.Rule{limit.PasswordAccount(), limit.PasswordTotal()}
	// Before anything is hashed (AT-04).
	if err := p.locked(ctx, key, errs.PasswordAttempts, rules...); err != nil {
		return Password{}, err
	}
	ok, weak, err := p.hasher.Verify(ctx, in.ID, u.PasswordHash, password)
	if err != nil {
		return Password{}, err
	}
	if !u.HasPassword() {
		return Password{}, errs.New(errs.PasswordNotSet)
	}
	if !ok {
		return Password{}, p.wrong(ctx, in, key, u.ID, rules)
	}
	right := Password{key: key, old: u.PasswordHash}
	if weak {
		if right.phc, err = p.hasher.Hash(ctx, in.ID, password); err != nil {
			return Password{}, err
		}
	}
	return right, nil
}

// Unknown does for an identifier nobody has what Password does for an account: it costs
// as much time (EN-02) and locks as an account would.
func (p *Proofs) Unknown(ctx context.Context, in pool.Pool, identifier, password string) error {
	identifier = contact.UsernameKey(identifier, false) // one name in any case, as if it existed
	key := limit.WrongForNobody.In(in.ID, identifier)
	rules := []limit.Rule{limit.PasswordUnknown()}
	if err := p.locked(ctx, key, errs.PasswordAttempts, rules...); err != nil {
		return err
	}
	if _, _, err := p.hasher.Verify(ctx, in.ID, "", password); err != nil {
		return err
	}
	if err := p.wrong(ctx, in, key, identifier, rules); errs.CodeOf(err) != errs.PasswordWrong {
		return err
	}
	return errs.New(errs.UserNotFound)
}

// Settle runs in the transaction that gives the person what they asked for. It refuses a
// guess that was right only after its fellows, tried at the same time, had used up the
// tries; else it forgets the wrong ones and stores the stronger hash (PW-07).
func (p *Proofs) Settle(ctx context.Context, u user.User, right Password) error {
	rules := []limit.Rule{limit.PasswordAccount(), limit.PasswordTotal()}
	clean := true
	for _, r := range rules {
		n, until, err := p.limits.Count(ctx, right.key, r)
		if err != nil {
			return err
		}
		if n >= p.limits.Most(r) {
			return errs.New(errs.PasswordAttempts).After(p.wait(until))
		}
		clean = clean && n == 0
	}
	if !clean {
		if err := p.limits.Clear(ctx, right.key, rules...); err != nil {
			return err
		}
	}
	if right.phc == "" {
		return nil
	}
	return p.users.Rehash(ctx, u.PoolID, u.ID, right.old, right.phc)
}

// Unlock forgets the wrong passwords of an account whose owner has proved themselves in
// another way (AT-02). It joins ctx's transaction.
func (p *Proofs) Unlock(ctx context.Context, u user.User) error {
	return p.limits.Clear(ctx, limit.WrongPasswords.In(u.PoolID, u.ID), limit.PasswordAccount(), limit.PasswordTotal())
}

// locked refuses with code while a rule of key is full.
func (p *Proofs) locked(ctx context.Context, key string, code errs.Code, rules ...limit.Rule) error {
	for _, r := range rules {
		n, until, err := p.limits.Count(ctx, key, r)
		if err != nil {
			return err
		}
		if n >= p.limits.Most(r) {
			return p.full(ctx, r, code, until)
		}
	}
	return nil
}

// full refuses because of a limit until a time, and tells so.
func (p *Proofs) full(ctx context.Context, r limit.Rule, code errs.Code, until time.Time) error {
	wait := p.wait(until)
	audit.Note(ctx, audit.StepLimit, r.Name+" is full for "+strconv.Itoa(int(wait.Seconds()))+" s")
	return errs.New(code).After(wait)
}

// wrong counts a wrong password against the account and the address it came from. Of
// guesses tried at the same time no more than the limits allow hear that they were wrong:
// the others hear what a right one would that came as late, see Settle.
func (p *Proofs) wrong(ctx context.Context, in pool.Pool, key, item string, rules []limit.Rule) error {
	from, address := addressKey(ctx, in.ID), limit.PasswordAddress()
	var late error
	err := p.inTx(ctx, func(ctx context.Context) error {
		late = nil
		for _, r := range rules {
			if err := p.count(ctx, key, r, errs.PasswordAttempts, &late); err != nil {
				return err
			}
		}
		if !in.Settings.Limits {
			return nil
		}
		return p.count(ctx, from, address, errs.TooManyRequests, &late)
	})
	if err != nil {
		return err
	}
	if in.Settings.Limits {
		err = p.limits.TakeDistinct(ctx, from, item, limit.PasswordAccounts())
		if _, full := limit.Wait(err); err != nil && !full { // the gate reads the full counter
			return err
		}
	}
	if late != nil {
		return late
	}
	return errs.New(errs.PasswordWrong)
}

// count counts one event of key. If it is one more than r allows, it sets late to code.
func (p *Proofs) count(ctx context.Context, key string, r limit.Rule, code errs.Code, late *error) error {
	n, err := p.limits.Add(ctx, key, r)
	if err != nil || n <= p.limits.Most(r) {
		return err
	}
	_, until, err := p.limits.Count(ctx, key, r)
	*late = p.full(ctx, r, code, until)
	return err
}

// wait is the time until a window closes, in whole seconds.
func (p *Proofs) wait(until time.Time) time.Duration {
	return max(until.Sub(p.now()), time.Second).Round(time.Second)
}

func addressKey(ctx context.Context, poolID string) string {
	return limit.WrongFrom.In(poolID, caller.From(ctx).Prefix())
}

// NewPassword checks a new password of u against the rules of the pool and hashes it.
// It must not run in a transaction.
func (p *Proofs) NewPassword(ctx context.Context, in pool.Pool, u user.User, password string) (string, error) {
	if err := VetPassword(in, u, password); err != nil {
		return "", err
	}
	return p.hasher.Hash(ctx, in.ID, password)
}

// VetPassword refuses a new password of u that the rules of the pool refuse.
func VetPassword(in pool.Pool, u user.User, password string) error {
	local, _, _ := strings.Cut(u.Email, "@")
	return passwordRules(in).Check(password, u.Username, u.Name, local, u.Phone, in.Settings.ProductName)
}

// CheckPassword refuses what the rules of the pool refuse for everybody. Flows call it
// before a try of a code is used up.
func (p *Proofs) CheckPassword(in pool.Pool, password string) error {
	return passwordRules(in).Check(password)
}

func passwordRules(in pool.Pool) contact.PasswordPolicy {
	return contact.PasswordPolicy{Min: in.Settings.PasswordMin, Common: in.Settings.PasswordCommon}
}
