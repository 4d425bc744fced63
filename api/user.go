package api

import "time"

// User is one person of a pool.
type User struct {
	ID            string            `json:"id" doc:"id of the person"`
	Username      string            `json:"username,omitempty" doc:"user name"`
	Phone         string            `json:"phone,omitempty" doc:"phone number, E.164"`
	PhoneVerified bool              `json:"phone_verified" doc:"the phone number is proved"`
	Email         string            `json:"email,omitempty" doc:"email address"`
	EmailVerified bool              `json:"email_verified" doc:"the email address is proved"`
	Name          string            `json:"name,omitempty" doc:"display name"`
	Status        string            `json:"status" enum:"active,pending,blocked" doc:"whether they may sign in"`
	Kind          string            `json:"kind" enum:"regular,anonymous" doc:"anonymous people are known by a device only"`
	Picture       string            `json:"picture,omitempty" doc:"address of a picture"`
	Gender        string            `json:"gender,omitempty" doc:"gender"`
	Locale        string            `json:"locale,omitempty" doc:"language of messages, such as zh-CN"`
	ExternalID    string            `json:"external_id,omitempty" doc:"your own key of the person"`
	HasPassword   bool              `json:"has_password" doc:"can sign in by password"`
	MustReset     bool              `json:"must_reset" doc:"has to choose a new password at the next sign-in"`
	Identities    []UserIdentity    `json:"identities" doc:"accounts at identity providers"`
	Custom        map[string]any    `json:"custom,omitempty" doc:"custom fields of the pool"`
	Attributes    map[string]string `json:"attributes,omitempty" doc:"other parts of the profile"`
	CreatedFrom   string            `json:"created_from,omitempty" doc:"the protocol or tool that made the account"`
	RegisteredBy  string            `json:"registered_by,omitempty" doc:"how the person registered"`
	SignIns       int64             `json:"sign_ins" doc:"how often they signed in"`
	LastIP        string            `json:"last_ip,omitempty" doc:"address of the last sign-in"`
	CreatedAt     time.Time         `json:"created_at" doc:"when the account was made"`
	UpdatedAt     time.Time         `json:"updated_at" doc:"when it was last changed"`
	LastSignInAt  *time.Time        `json:"last_sign_in_at,omitempty" doc:"the last sign-in"`
}

// UserIdentity is an account of a person at an identity provider.
type UserIdentity struct {
	Provider  string    `json:"provider" doc:"id of the provider"`
	Subject   string    `json:"subject" doc:"what the provider calls the person, such as an openid"`
	Name      string    `json:"name,omitempty" doc:"display name there"`
	UnionID   string    `json:"union_id,omitempty" doc:"what a group of providers calls the person, such as a unionid"`
	CreatedAt time.Time `json:"created_at" doc:"when it was linked"`
}

// UserRef names a person.
type UserRef struct {
	PoolRef
	User string `path:"user" doc:"id of the person"`
}

// UserQuery looks for people.
type UserQuery struct {
	PoolRef
	Page
	Query  string `query:"q" doc:"an id, or the beginning of a user name, phone number, email address or name"`
	Inside bool   `query:"inside" doc:"look inside names and addresses too, which takes longer among many people"`
	Status string `query:"status" enum:"active,pending,blocked" doc:"only people of this status"`
}

// NewUser is a person to make. An identifier is needed.
type NewUser struct {
	PoolRef
	Username      string         `json:"username,omitempty" doc:"user name"`
	Phone         string         `json:"phone,omitempty" doc:"phone number, with + and its country"`
	PhoneVerified bool           `json:"phone_verified,omitempty" doc:"you vouch for the number"`
	Email         string         `json:"email,omitempty" doc:"email address"`
	EmailVerified bool           `json:"email_verified,omitempty" doc:"you vouch for the address"`
	ExternalID    string         `json:"external_id,omitempty" doc:"your own key of the person"`
	Password      string         `json:"password,omitempty" doc:"a first password, which the pool's rules are for"`
	MustReset     bool           `json:"must_reset,omitempty" doc:"it has to be changed at the first sign-in"`
	Status        string         `json:"status,omitempty" enum:"active,pending,blocked" doc:"active when it is not given"`
	Name          string         `json:"name,omitempty" doc:"display name"`
	Custom        map[string]any `json:"custom,omitempty" doc:"custom fields of the pool"`
}

// UserChange changes a person; what is not given stays, and an empty text takes an
// identifier away.
type UserChange struct {
	UserRef
	Guarded
	Username      *string        `json:"username,omitempty" doc:"user name"`
	Phone         *string        `json:"phone,omitempty" doc:"phone number; unverified unless phone_verified says otherwise"`
	PhoneVerified *bool          `json:"phone_verified,omitempty" doc:"you vouch for the number"`
	Email         *string        `json:"email,omitempty" doc:"email address; unverified unless email_verified says otherwise"`
	EmailVerified *bool          `json:"email_verified,omitempty" doc:"you vouch for the address"`
	ExternalID    *string        `json:"external_id,omitempty" doc:"your own key of the person"`
	Password      *string        `json:"password,omitempty" doc:"a new password; all sessions end"`
	MustReset     *bool          `json:"must_reset,omitempty" doc:"they have to choose a new password at the next sign-in; all sessions end"`
	Name          *string        `json:"name,omitempty" doc:"display name"`
	Picture       *string        `json:"picture,omitempty" doc:"address of a picture"`
	Gender        *string        `json:"gender,omitempty" doc:"gender"`
	Locale        *string        `json:"locale,omitempty" doc:"language of messages, such as zh-CN"`
	Custom        map[string]any `json:"custom,omitempty" doc:"custom fields; null takes one away"`
}

// NewIdentity links a person to an account at an identity provider.
type NewIdentity struct {
	UserRef
	Provider   string `json:"provider" doc:"id of the provider"`
	Subject    string `json:"subject" doc:"what the provider calls the person, such as an openid"`
	UnionGroup string `json:"union_group,omitempty" doc:"group of providers that share the union id"`
	UnionID    string `json:"union_id,omitempty" doc:"what the group calls the person, such as a unionid"`
	Name       string `json:"name,omitempty" doc:"display name there"`
}

// IdentityRef names the accounts of a person at one identity provider.
type IdentityRef struct {
	UserRef
	Provider string `path:"provider" doc:"id of the provider"`
}

// MergeUsers makes two accounts one.
type MergeUsers struct {
	UserRef
	From   string `json:"from" doc:"id of the account that ends; the one in the path remains"`
	DryRun bool   `json:"dry_run,omitempty" doc:"only say what would happen"`
}

// MergedUsers says what becomes of the parts of the account that ends.
type MergedUsers struct {
	User    User     `json:"user" doc:"the remaining account as it is, or would be"`
	Moved   []string `json:"moved" doc:"what it takes over"`
	Dropped []string `json:"dropped" doc:"what is lost, because it has its own"`
	Done    bool     `json:"done" doc:"false for a dry run"`
}

// UserSession is one sign-in of a person on one device.
type UserSession struct {
	ID        string    `json:"id" doc:"id of the session"`
	ClientID  string    `json:"client_id" doc:"application"`
	Methods   []string  `json:"methods" doc:"how they proved who they are"`
	DeviceID  string    `json:"device_id,omitempty" doc:"what the device calls itself"`
	IP        string    `json:"ip,omitempty" doc:"address they signed in from"`
	UserAgent string    `json:"user_agent,omitempty" doc:"browser or app"`
	CreatedAt time.Time `json:"created_at" doc:"when they signed in"`
	SeenAt    time.Time `json:"seen_at" doc:"when its tokens were last renewed"`
	ExpiresAt time.Time `json:"expires_at" doc:"when it ends at the latest"`
}

// SessionRef names a session of a person.
type SessionRef struct {
	UserRef
	Session string `path:"session" doc:"id of the session"`
}
