// Package emulator is the face of the development server that applications under test
// use: an inbox instead of sending messages, a clock to move, users to make, settings to
// flip and a page for people. It exists in development only; package app decides that,
// and it owns no state but the inbox and the clock.
package emulator

import (
	"context"
	"log/slog"
)

// Options are what the emulator asks the rest of the server for. All are required.
type Options struct {
	Clock  *Clock
	Inbox  *Inbox
	Logger *slog.Logger

	// Project describes the project developers work on.
	Project func(ctx context.Context) (Project, error)
	// Wipe deletes users and all that belongs to them: sessions, codes, tickets,
	// counters, jobs and history. It keeps pools, applications and keys.
	Wipe func(ctx context.Context) error
	// CreateUser makes a user and returns its id.
	CreateUser func(ctx context.Context, u NewUser) (string, error)
	// Settle waits until every message accepted so far is in the inbox, a second at
	// most. Readers get it called first, so that the newest message they see is the
	// answer to the request they made last.
	Settle func(ctx context.Context)
	// Settings applies the fields of s that are set and returns all of them as they
	// are now.
	Settings func(ctx context.Context, s Settings) (Settings, error)
	// TicketKey makes a key for custom sign-in tickets and returns the credentials
	// file that a business server signs with.
	TicketKey func(ctx context.Context) (TicketKey, error)
}

// Project is what an application needs to know to use this server.
type Project struct {
	Pool       string `json:"pool"`
	Env        string `json:"env"`
	ClientID   string `json:"clientId"`
	AppID      string `json:"appId"`
	PoolSecret string `json:"poolSecret"`
	ManageKey  string `json:"manageKey"`
	PublicKey  string `json:"publicKey"`
	ConsoleURL string `json:"consoleUrl"`
	Issuer     string `json:"issuer"`
}

// NewUser is a user a test wants to exist. Every field is optional; Status is "active"
// unless it says "pending" or "blocked".
type NewUser struct {
	Username                  string `json:"username"`
	Password                  string `json:"password"`
	Phone                     string `json:"phone"`
	Email                     string `json:"email"`
	Status                    string `json:"status"`
	ResetPasswordOnFirstLogin bool   `json:"resetPasswordOnFirstLogin"`
}

// Settings are the switches tests flip. Nil leaves a setting as it is.
type Settings struct {
	Captcha            *string   `json:"captcha,omitempty"` // "off" or "always"
	Anonymous          *bool     `json:"anonymous,omitempty"`
	Limits             *bool     `json:"limits,omitempty"`
	AccessTokenSeconds *int      `json:"accessTokenSeconds,omitempty"`
	AllowedOrigins     *[]string `json:"allowedOrigins,omitempty"`
	CasedUsernames     *bool     `json:"casedUsernames,omitempty"` // bob and Bob are two names
}

// TicketKey is the credentials file of custom sign-in, as its SDK reads it.
type TicketKey struct {
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	EnvID        string `json:"env_id"`
}

// Emulator serves /emulator/.
type Emulator struct{ o Options }

// New makes the emulator of a development server.
func New(o Options) *Emulator { return &Emulator{o: o} }
