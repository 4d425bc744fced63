// Package operator owns who may administer the installation: operators with their
// passwords, second factors and sessions, API keys, roles and scopes. It does not know
// what is administered, and nobody it knows is a user of a pool.
package operator

import (
	"net/netip"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/secret"
)

// How long things last (AD-01, AD-04).
const (
	BootstrapLife   = time.Hour
	SessionIdle     = 30 * time.Minute
	SessionLife     = 12 * time.Hour
	SudoLife        = 10 * time.Minute
	FactorWait      = 10 * time.Minute // from the password to the second factor
	MaxKeyLife      = 366 * 24 * time.Hour
	RecoveryCodes   = 10
	PasswordMin     = 12
	seenEvery       = time.Minute     // how exact a session's last use is
	usedEvery       = 5 * time.Minute // how exact a key's last use is
	maxName         = 64
	bootstrapPrefix = "ttb"
	sessionPrefix   = "tts"
	keyPrefix       = "ttk"
)

// Person is an operator as others see one.
type Person struct {
	ID         string
	Name       string
	Role       Role
	Pools      []string // nil: all
	Disabled   bool
	Factor     bool // has an authenticator
	Recovery   int  // recovery codes left
	CreatedAt  time.Time
	LastSignIn time.Time // zero: never
}

// NewPerson is an operator to be made.
type NewPerson struct {
	Name     string // 1 to 64 characters, unique without regard to case
	Password string
	Role     Role     // Owner for the first
	Pools    []string // nil: all
}

// Step is what a session still lacks.
type Step string

// The steps.
const (
	Done   Step = ""       // signed in
	Factor Step = "factor" // show the second factor
	Enrol  Step = "enrol"  // set up a second factor first
)

// Opened is a session that was just opened or changed its token.
type Opened struct {
	Token     string // for the cookie; exists nowhere else
	ExpiresAt time.Time
	Step      Step
	Principal Principal
}

// Authenticator is what an authenticator app is given. It is shown once.
type Authenticator struct {
	Secret string // base32, for typing
	URI    string // otpauth://, for the QR code
}

// Session is one sign-in of an operator.
type Session struct {
	ID        string
	IP        string
	UserAgent string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	Factor    bool
}

// NewKey is an API key to be made.
type NewKey struct {
	Name      string
	Role      Role           // the ceiling; not above its maker's
	Scopes    []Scope        // empty: all the role has
	Pools     []string       // nil: all its maker has
	Addresses []netip.Prefix // empty: from anywhere
	Life      time.Duration  // at most MaxKeyLife, which zero means
}

// Key is an API key as others see it.
type Key struct {
	ID        string
	Name      string
	Role      Role
	Scopes    []Scope
	Pools     []string
	Addresses []netip.Prefix
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
	LastUsed  time.Time // to within five minutes; zero: never
	LastIP    string
	RevokedAt time.Time // zero: not revoked
}

// Deps are the parts the service is made of.
type Deps struct {
	DB     *db.DB
	Ring   *secret.Keyring
	Hasher *secret.Hasher
	Limits *limit.Service
	Audit  *audit.Service
	Now    func() time.Time
	Issuer string // how an authenticator app names the installation
}

// Service keeps the operators.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d: d} }
