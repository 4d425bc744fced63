package api

import "time"

// Administrator is somebody who may sign in to the console.
type Administrator struct {
	ID            string     `json:"id" doc:"id of the administrator"`
	Name          string     `json:"name" doc:"what they sign in with"`
	Role          string     `json:"role" enum:"owner,operator,support,read_only" doc:"what they may do"`
	Pools         []string   `json:"pools,omitempty" doc:"the pools they are confined to; all when absent"`
	Disabled      bool       `json:"disabled" doc:"they are kept out"`
	Factor        bool       `json:"factor" doc:"they have set up an authenticator"`
	RecoveryCodes int        `json:"recovery_codes" doc:"how many recovery codes they have left"`
	CreatedAt     time.Time  `json:"created_at" doc:"when they were added"`
	LastSignInAt  *time.Time `json:"last_sign_in_at,omitempty" doc:"the last sign-in"`
}

// AdministratorRef names an administrator.
type AdministratorRef struct {
	Operator string `path:"operator" doc:"id of the administrator"`
}

// NewAdministrator is an administrator to add. At the first sign-in they set up a second
// factor.
type NewAdministrator struct {
	Name     string   `json:"name" doc:"what they sign in with, 1 to 64 characters"`
	Role     string   `json:"role" enum:"owner,operator,support,read_only" doc:"what they may do"`
	Pools    []string `json:"pools,omitempty" doc:"the pools to confine them to; all when it is not given"`
	Password string   `json:"password,omitempty" doc:"a first password; one is made when it is not given"`
}

// AddedAdministrator is an administrator who was just added.
type AddedAdministrator struct {
	Administrator
	Password string `json:"password,omitempty" doc:"the first password that was made for them, shown this once"`
}

// AdministratorRole changes what an administrator may do.
type AdministratorRole struct {
	AdministratorRef
	Role  string   `json:"role" enum:"owner,operator,support,read_only" doc:"what they may do from now on"`
	Pools []string `json:"pools,omitempty" doc:"the pools to confine them to; all when it is not given"`
}

// AdministratorSession is one sign-in of an administrator.
type AdministratorSession struct {
	ID        string    `json:"id" doc:"id of the session"`
	IP        string    `json:"ip,omitempty" doc:"address they signed in from"`
	UserAgent string    `json:"user_agent,omitempty" doc:"browser"`
	Factor    bool      `json:"factor" doc:"they have shown their second factor"`
	CreatedAt time.Time `json:"created_at" doc:"when they signed in"`
	SeenAt    time.Time `json:"seen_at" doc:"when it was last used, to the minute"`
	ExpiresAt time.Time `json:"expires_at" doc:"when it ends at the latest"`
}

// AdministratorSessionRef names a session of an administrator.
type AdministratorSessionRef struct {
	AdministratorRef
	Session string `path:"session" doc:"id of the session, or all"`
}

// APIKey is a key with which a program uses this API.
type APIKey struct { //nolint:revive // what everybody calls it
	ID         string     `json:"id" doc:"names the key without telling it"`
	Name       string     `json:"name" doc:"what it is for"`
	Role       string     `json:"role" enum:"owner,operator,support,read_only" doc:"the most it may do"`
	Scopes     []string   `json:"scopes" doc:"what of that it may do"`
	Pools      []string   `json:"pools,omitempty" doc:"the pools it is confined to; all when absent"`
	Addresses  []string   `json:"addresses,omitempty" doc:"the networks it may be used from; any when absent"`
	CreatedBy  string     `json:"created_by" doc:"who made it"`
	CreatedAt  time.Time  `json:"created_at" doc:"when it was made"`
	ExpiresAt  time.Time  `json:"expires_at" doc:"when it ends"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"when it was last used, to within five minutes"`
	LastIP     string     `json:"last_ip,omitempty" doc:"where it was last used from"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty" doc:"when it was ended"`
}

// NewAPIKey is an API key to make.
type NewAPIKey struct {
	Name      string   `json:"name" doc:"what it is for"`
	Role      string   `json:"role" enum:"owner,operator,support,read_only" doc:"the most it may do"`
	Scopes    []string `json:"scopes,omitempty" doc:"what of that it may do, such as users:read; all when it is not given"`
	Pools     []string `json:"pools,omitempty" doc:"the pools to confine it to; all when it is not given"`
	Addresses []string `json:"addresses,omitempty" doc:"addresses or networks it may be used from, such as 203.0.113.0/24; any when it is not given"`
	Days      int      `json:"days,omitempty" doc:"how long it lives, 1 to 366; 366 when it is not given"`
}

// MadeAPIKey is an API key that was just made.
type MadeAPIKey struct {
	APIKey
	Key string `json:"key" doc:"the key itself, shown this once"`
}

// APIKeyRef names an API key.
type APIKeyRef struct { //nolint:revive // what everybody calls it
	Key string `path:"key" doc:"id of the key"`
}
