package errs

// Code names one reason. The list below is everything that can go wrong.
type Code string

// Kind groups codes that protocols without a word of their own treat alike.
type Kind int

// The kinds, in the order of the gRPC status codes they resemble.
const (
	KindUnexpected Kind = iota
	KindInvalid
	KindUnauthenticated
	KindDenied
	KindNotFound
	KindConflict
	KindPrecondition
	KindExhausted
	KindAborted
	KindUnimplemented
	KindUnavailable
)

// Everything that can go wrong.
const (
	// Requests.

	Unexpected      Code = "unexpected"
	BadRequest      Code = "bad_request"     // malformed body or parameter; param "field"
	FieldMissing    Code = "field_missing"   // param "field"
	FieldTooLong    Code = "field_too_long"  // params "field", "max"
	BodyTooLarge    Code = "body_too_large"  // param "max"
	RouteNotFound   Code = "route_not_found" //
	MethodRefused   Code = "method_refused"  //
	QueryInvalid    Code = "query_invalid"   // param "reason": a GraphQL document we do not take
	OriginRefused   Code = "origin_refused"  // the browser page's origin is not registered
	NotImplemented  Code = "not_implemented" //
	Unavailable     Code = "unavailable"     // a part we need is down or overloaded
	TooManyRequests Code = "too_many_requests"

	// Applications.

	ClientUnknown    Code = "client_unknown"
	MethodDisabled   Code = "method_disabled" // sign-in method switched off
	RedirectRefused  Code = "redirect_refused"
	GrantUnsupported Code = "grant_unsupported"

	// Identifiers.

	PhoneInvalid       Code = "phone_invalid"
	PhoneCountry       Code = "phone_country" // no messages to this country
	EmailInvalid       Code = "email_invalid"
	EmailBounced       Code = "email_bounced" // mail to it came back
	UsernameInvalid    Code = "username_invalid"
	IdentifierTaken    Code = "identifier_taken"    // phone or email in use
	UsernameTaken      Code = "username_taken"      //
	IdentifierMismatch Code = "identifier_mismatch" // proof is for another address

	// Accounts.

	UserNotFound Code = "user_not_found"
	UserBlocked  Code = "user_blocked"
	UserPending  Code = "user_pending"

	// Passwords.

	PasswordWrong    Code = "password_wrong"
	PasswordNotSet   Code = "password_not_set"
	PasswordTooShort Code = "password_too_short" // param "min"
	PasswordTooLong  Code = "password_too_long"  // param "max"
	PasswordCommon   Code = "password_common"
	PasswordInvalid  Code = "password_invalid"
	PasswordAttempts Code = "password_attempts" // locked after too many wrong ones
	// SignInWrong is PasswordWrong for protocols that do not say whether the account
	// exists, and PasswordMustChange what they say of a step before the first session.
	SignInWrong        Code = "sign_in_wrong"
	PasswordMustChange Code = "password_must_change"
	SecondFactorWrong  Code = "second_factor_wrong"

	// Verification codes.

	CodeWrong    Code = "code_wrong" // wrong, expired or spent: never says which
	CodeAttempts Code = "code_attempts"
	SendTooOften Code = "send_too_often" // param "seconds"
	SendFailed   Code = "send_failed"
	// SendMisconfigured is for the operator to mend: sender name, template, secret.
	SendMisconfigured Code = "send_misconfigured"

	// Tokens.

	SessionInvalid      Code = "session_invalid" // access token unusable
	RefreshInvalid      Code = "refresh_invalid"
	TokenInvalid        Code = "token_invalid"        // a single-use token is unknown, expired, spent or foreign
	VerificationInvalid Code = "verification_invalid" // the same, for a verification token
	SudoInvalid         Code = "sudo_invalid"
	SudoRequired        Code = "sudo_required"
	TicketInvalid       Code = "ticket_invalid" // custom sign-in ticket
	AnonymousInvalid    Code = "anonymous_invalid"
	AnonymousDenied     Code = "anonymous_denied" // not for anonymous or custom users

	// Captcha.

	CaptchaRequired Code = "captcha_required"
	CaptchaInvalid  Code = "captcha_invalid"
	CaptchaWrong    Code = "captcha_wrong" // wrong characters typed

	// Linked identities.

	ProviderNotFound Code = "provider_not_found"
	LastMethod       Code = "last_method"
	IdentityTaken    Code = "identity_taken"    // linked to somebody else
	ProviderUnknown  Code = "provider_unknown"  // not configured, or switched off
	ProviderSnapshot Code = "provider_snapshot" // a made-up person of a preview page
	LinkRequired     Code = "link_required"     // an account has this address: sign in to it, then link

	// What came of asking the provider.

	ProviderRefused       Code = "provider_refused"       // its code or token is wrong, used or expired
	ProviderDenied        Code = "provider_denied"        // the person, or the provider's own rules, said no
	ProviderMisconfigured Code = "provider_misconfigured" // the operator must act
	// ProviderSettings is for who sets a provider up; param "reason" is what its driver says.
	ProviderSettings Code = "provider_settings"

	// Device grant (RFC 8628 section 3.5).

	AuthorizationPending Code = "authorization_pending"
	SlowDown             Code = "slow_down"
	DeviceCodeInvalid    Code = "device_code_invalid"
	DeviceDenied         Code = "device_denied"

	// Operating.

	PoolNotFound Code = "pool_not_found"
	PoolTaken    Code = "pool_taken"
	KeyNotFound  Code = "key_not_found"

	// Managing a pool.

	IdempotencyReused  Code = "idempotency_reused"  // an Idempotency-Key of another request
	IdempotencyPending Code = "idempotency_pending" // of one that is under way or was cut off
	AppNotFound        Code = "app_not_found"
	AppTaken           Code = "app_taken"
	AppDefault         Code = "app_default"  // the pool's own application stays
	UserDeleted        Code = "user_deleted" // params "at", "merged_into"
	SessionNotFound    Code = "session_not_found"
	EditConflict       Code = "edit_conflict"     // what is being changed has changed since it was read
	PermissionDenied   Code = "permission_denied" // the token may not do this
	PoolSecretWrong    Code = "pool_secret_wrong"
	FieldUndefined     Code = "field_undefined"   // param "field": no such custom field
	ExternalIDTaken    Code = "external_id_taken" // another person has it
	FunctionNotFound   Code = "function_not_found"

	// Pipelines.

	PipelineDenied  Code = "pipeline_denied"  // a function refused; param "message" is its own text
	PipelineFailed  Code = "pipeline_failed"  // a function crashed or was too slow
	PipelineInvalid Code = "pipeline_invalid" // param "reason": the source does not compile

	// Elsewhere.

	OneTapRefused Code = "one_tap_refused" // the carrier did not vouch for a number
	MediaFull     Code = "media_full"      // the pool has no room for more pictures
	ImageInvalid  Code = "image_invalid"   // not a picture we take
	GrantInvalid  Code = "grant_invalid"   // an OAuth code or token that buys nothing
	ScopeInvalid  Code = "scope_invalid"
	ContactUnset  Code = "contact_unset" // there is no such contact to remove

	// Operators.

	BootstrapInvalid Code = "bootstrap_invalid" // unknown, used, expired, or somebody administers already
	OperatorExists   Code = "operator_exists"   // the first operator was made already
	OperatorNotFound Code = "operator_not_found"
	OperatorTaken    Code = "operator_taken"
	OperatorName     Code = "operator_name" // not a name we take
	LastOwner        Code = "last_owner"    // somebody must remain who may do everything
	FactorRequired   Code = "factor_required"
	FactorUnset      Code = "factor_unset" // no second factor is set up
	APIKeyInvalid    Code = "api_key_invalid"
	APIKeyNotFound   Code = "api_key_not_found"
	FormStale        Code = "form_stale" // a form of another session, or of a page open for long
	WebhookNotFound  Code = "webhook_not_found"
	WebhookLimit     Code = "webhook_limit" // a pool has as many as it may

	MessageDriverNotFound Code = "message_driver_not_found"
	MessageDriverInvalid  Code = "message_driver_invalid" // param "reason", the driver's own words
	MessageDriverLimit    Code = "message_driver_limit"   // a channel has as many as it may
	TestTooOften          Code = "test_too_often"         // test messages
	DeliveryNotFound      Code = "delivery_not_found"
	TemplateNotFound      Code = "template_not_found"
	TemplateUnknownWord   Code = "template_unknown_word" // params "word" and "known"
	TemplateWithoutCode   Code = "template_without_word" // param "word"
	BackupNotFound        Code = "backup_not_found"
	RecordNotFound        Code = "record_not_found" // of the audit trail
)

var kinds = map[Code]Kind{
	Unexpected: KindUnexpected,

	BadRequest: KindInvalid, FieldMissing: KindInvalid, FieldTooLong: KindInvalid,
	BodyTooLarge: KindInvalid, RouteNotFound: KindNotFound, MethodRefused: KindInvalid,
	QueryInvalid:  KindInvalid,
	OriginRefused: KindDenied, NotImplemented: KindUnimplemented, Unavailable: KindUnavailable,
	TooManyRequests: KindExhausted,

	ClientUnknown: KindUnauthenticated, MethodDisabled: KindDenied,
	RedirectRefused: KindInvalid, GrantUnsupported: KindInvalid,

	PhoneInvalid: KindInvalid, PhoneCountry: KindInvalid, EmailInvalid: KindInvalid, EmailBounced: KindInvalid,
	UsernameInvalid: KindInvalid, IdentifierTaken: KindPrecondition,
	UsernameTaken: KindPrecondition, IdentifierMismatch: KindInvalid,

	UserNotFound: KindNotFound, UserBlocked: KindDenied, UserPending: KindDenied,

	PasswordWrong: KindInvalid, PasswordNotSet: KindInvalid, PasswordTooShort: KindInvalid,
	PasswordTooLong: KindInvalid, PasswordCommon: KindInvalid, PasswordInvalid: KindInvalid,
	PasswordAttempts: KindAborted, SecondFactorWrong: KindInvalid,
	SignInWrong: KindInvalid, PasswordMustChange: KindPrecondition,

	CodeWrong: KindInvalid, CodeAttempts: KindAborted, SendTooOften: KindExhausted,
	SendFailed: KindUnavailable, SendMisconfigured: KindPrecondition,

	SessionInvalid: KindUnauthenticated, RefreshInvalid: KindUnauthenticated,
	TokenInvalid: KindDenied, VerificationInvalid: KindInvalid, SudoInvalid: KindDenied,
	SudoRequired: KindDenied, TicketInvalid: KindInvalid, AnonymousInvalid: KindInvalid,
	AnonymousDenied: KindDenied,

	CaptchaRequired: KindInvalid, CaptchaInvalid: KindInvalid, CaptchaWrong: KindInvalid,

	ProviderNotFound: KindNotFound, LastMethod: KindPrecondition, IdentityTaken: KindPrecondition,
	ProviderUnknown: KindNotFound, ProviderSnapshot: KindDenied, LinkRequired: KindPrecondition,
	ProviderRefused: KindPrecondition, ProviderDenied: KindDenied, ProviderMisconfigured: KindPrecondition,
	ProviderSettings: KindInvalid,

	AuthorizationPending: KindPrecondition, SlowDown: KindExhausted,
	DeviceCodeInvalid: KindInvalid, DeviceDenied: KindDenied,

	PoolNotFound: KindNotFound, PoolTaken: KindConflict, KeyNotFound: KindNotFound,

	AppNotFound: KindNotFound, AppTaken: KindConflict, AppDefault: KindPrecondition,
	UserDeleted: KindNotFound, SessionNotFound: KindNotFound,
	EditConflict: KindPrecondition, IdempotencyReused: KindInvalid, IdempotencyPending: KindConflict,

	PermissionDenied: KindDenied, PoolSecretWrong: KindUnauthenticated, FieldUndefined: KindInvalid,
	ExternalIDTaken: KindConflict, FunctionNotFound: KindNotFound,

	PipelineDenied: KindDenied, PipelineFailed: KindUnavailable, PipelineInvalid: KindInvalid,

	OneTapRefused: KindInvalid, ImageInvalid: KindInvalid, MediaFull: KindExhausted, GrantInvalid: KindInvalid,
	ScopeInvalid: KindInvalid, ContactUnset: KindPrecondition,

	BootstrapInvalid: KindNotFound, OperatorExists: KindNotFound, OperatorNotFound: KindNotFound,
	OperatorTaken: KindConflict, OperatorName: KindInvalid, LastOwner: KindPrecondition,
	FactorRequired: KindDenied, FactorUnset: KindPrecondition, APIKeyInvalid: KindUnauthenticated,
	MessageDriverNotFound: KindNotFound, MessageDriverInvalid: KindInvalid, MessageDriverLimit: KindPrecondition,
	TestTooOften: KindExhausted, DeliveryNotFound: KindNotFound, TemplateNotFound: KindNotFound,
	TemplateUnknownWord: KindInvalid, TemplateWithoutCode: KindInvalid,
	WebhookNotFound: KindNotFound, WebhookLimit: KindPrecondition, APIKeyNotFound: KindNotFound, FormStale: KindDenied, BackupNotFound: KindNotFound, RecordNotFound: KindNotFound,
}

// Kind returns the group of c; a code outside the list is Unexpected.
func (c Code) Kind() Kind { return kinds[c] }

// Codes lists every code, in no order, for the tests that keep tables complete.
func Codes() []Code {
	all := make([]Code, 0, len(kinds))
	for c := range kinds {
		all = append(all, c)
	}
	return all
}
