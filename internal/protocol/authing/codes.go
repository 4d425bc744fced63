package authing

import (
	"cmp"

	"github.com/tigertally/tigertally/internal/errs"
)

// wire is how one reason looks to an Authing client: the number apps compare, and whose
// text is shown.
type wire struct {
	number int
	text   errs.Code
}

// words are the wire forms of one group of endpoints that differ from the table's.
type words []exception

type exception struct {
	code   errs.Code
	number int
	text   errs.Code // "" is the reason's own
}

// of returns the wire form of a reason.
func (w words) of(code errs.Code) wire {
	for _, e := range w {
		if e.code == code {
			return wire{e.number, cmp.Or(e.text, code)}
		}
	}
	number, ok := byCode[code]
	if !ok {
		number = byKind[code.Kind()]
	}
	return wire{number, code}
}

// The numbers of the protocol that stand in more than one table.
const (
	busy             = 1000
	noPermission     = 1001
	captchaNeeded    = 2000
	codeIsWrong      = 2001
	noSuchUser       = 2004
	userLocked       = 2005
	appUnknown       = 2011
	undecryptable    = 2016
	confirmFirst     = 2019
	notSignedIn      = 2020
	registered       = 2026
	passwordWeak     = 2029
	tooOften         = 2080
	tokenUnusable    = 2207
	parameterMissing = 2231
	signInWrong      = 2333
	firstSignIn      = 1639
	lastWayIn        = 1320005
	bindOnly         = 1640
	bindOrCreate     = 1641
	chooseAccount    = 2921
	oldPasswordWrong = 1320011
	phoneMalformed   = 500 // by the vendor's choice, and with status 200
	badParameter     = 400
	notThere         = 404
	unprocessable    = 422
)

// byCode holds the number of every reason.
var byCode = map[errs.Code]int{
	errs.Unexpected: busy, errs.Unavailable: busy, errs.SendFailed: busy, errs.SendMisconfigured: busy, errs.PipelineFailed: busy,

	errs.BadRequest: parameterMissing, errs.FieldMissing: parameterMissing,
	errs.FieldTooLong: unprocessable, errs.ProviderSettings: unprocessable, errs.BodyTooLarge: unprocessable, errs.ImageInvalid: unprocessable, errs.MediaFull: unprocessable,
	errs.UsernameInvalid: unprocessable,
	errs.RouteNotFound:   notThere, errs.MethodRefused: notThere, errs.NotImplemented: notThere,
	errs.KeyNotFound: notThere, errs.FunctionNotFound: notThere, errs.ProviderNotFound: notThere,
	errs.TooManyRequests: tooOften, errs.SendTooOften: tooOften, errs.SlowDown: tooOften,

	errs.OriginRefused: noPermission, errs.MethodDisabled: noPermission, errs.PermissionDenied: noPermission,
	errs.PoolSecretWrong: noPermission, errs.PipelineDenied: noPermission, errs.AnonymousDenied: noPermission,
	errs.DeviceDenied: noPermission,

	errs.ClientUnknown: appUnknown, errs.PoolNotFound: 2224,
	errs.PoolTaken: badParameter, errs.RedirectRefused: badParameter, errs.GrantUnsupported: badParameter,
	errs.ScopeInvalid: badParameter, errs.QueryInvalid: badParameter, errs.FieldUndefined: badParameter, errs.PipelineInvalid: badParameter,
	errs.AuthorizationPending: badParameter, errs.DeviceCodeInvalid: badParameter,

	errs.PhoneInvalid: phoneMalformed, errs.PhoneCountry: phoneMalformed, errs.EmailInvalid: 2003, errs.EmailBounced: 2003,
	errs.IdentifierTaken: registered, errs.UsernameTaken: registered, errs.ExternalIDTaken: registered, errs.IdentityTaken: registered,
	errs.IdentifierMismatch: codeIsWrong,

	errs.UserNotFound: noSuchUser, errs.UserBlocked: userLocked, errs.UserPending: userLocked,

	errs.SignInWrong: signInWrong, errs.PasswordWrong: signInWrong, errs.OneTapRefused: signInWrong,
	errs.PasswordNotSet: 2027, errs.PasswordMustChange: firstSignIn, errs.PasswordAttempts: 2057,
	errs.PasswordTooShort: passwordWeak, errs.PasswordTooLong: passwordWeak, errs.PasswordCommon: passwordWeak,
	errs.PasswordInvalid: undecryptable,

	errs.CodeWrong: codeIsWrong, errs.CodeAttempts: codeIsWrong, errs.SecondFactorWrong: codeIsWrong,
	errs.VerificationInvalid: codeIsWrong,

	errs.SessionInvalid: notSignedIn, errs.RefreshInvalid: notSignedIn,
	errs.TokenInvalid: tokenUnusable, errs.TicketInvalid: tokenUnusable, errs.AnonymousInvalid: tokenUnusable,
	errs.GrantInvalid: tokenUnusable, errs.SudoInvalid: confirmFirst, errs.SudoRequired: confirmFirst,

	errs.CaptchaRequired: captchaNeeded, errs.CaptchaInvalid: captchaNeeded, errs.CaptchaWrong: captchaNeeded,

	errs.LastMethod: lastWayIn, errs.ContactUnset: lastWayIn,
	errs.ProviderUnknown: notThere, errs.ProviderSnapshot: noPermission, errs.LinkRequired: registered,
	errs.ProviderRefused: signInWrong, errs.ProviderDenied: signInWrong, errs.ProviderMisconfigured: 500,

	// What only administrators hear, by another protocol.
	errs.AppNotFound: notThere, errs.UserDeleted: notThere, errs.SessionNotFound: notThere,
	errs.MessageDriverNotFound: notThere, errs.MessageDriverInvalid: badParameter, errs.MessageDriverLimit: badParameter,
	errs.TestTooOften: badParameter, errs.DeliveryNotFound: notThere, errs.TemplateNotFound: notThere,
	errs.TemplateUnknownWord: badParameter, errs.TemplateWithoutCode: badParameter,
	errs.WebhookNotFound: notThere, errs.WebhookLimit: badParameter,
	errs.BootstrapInvalid: notThere, errs.OperatorExists: notThere, errs.OperatorNotFound: notThere, errs.APIKeyNotFound: notThere, errs.BackupNotFound: notThere, errs.RecordNotFound: notThere,
	errs.AppTaken: registered, errs.OperatorTaken: registered, errs.IdempotencyPending: registered,
	errs.AppDefault: badParameter, errs.EditConflict: badParameter, errs.IdempotencyReused: badParameter,
	errs.OperatorName: badParameter, errs.LastOwner: badParameter, errs.FactorUnset: badParameter,
	errs.FactorRequired: noPermission, errs.FormStale: noPermission, errs.APIKeyInvalid: notSignedIn,
}

// byKind answers for a reason the table does not know yet. A test keeps it from being
// needed.
var byKind = map[errs.Kind]int{
	errs.KindUnexpected:      busy,
	errs.KindInvalid:         badParameter,
	errs.KindUnauthenticated: notSignedIn,
	errs.KindDenied:          noPermission,
	errs.KindNotFound:        notThere,
	errs.KindConflict:        registered,
	errs.KindPrecondition:    badParameter,
	errs.KindExhausted:       tooOften,
	errs.KindAborted:         tooOften,
	errs.KindUnimplemented:   notThere,
	errs.KindUnavailable:     busy,
}

// The tables below hold what differs in one place. The three reasons a password sign-in
// fails for must look the same to the last byte.

func registerWords() words {
	return words{{code: errs.TooManyRequests, number: 2100}, {code: errs.MethodDisabled, number: 2031}}
}

func loginWords() words {
	return words{
		{errs.PasswordWrong, signInWrong, errs.SignInWrong},
		{errs.UserNotFound, signInWrong, errs.SignInWrong},
		{errs.PasswordNotSet, signInWrong, errs.SignInWrong},
		{code: errs.TooManyRequests, number: captchaNeeded},
	}
}

func codeLoginWords() words { return words{{code: errs.TooManyRequests, number: captchaNeeded}} }

func logoutWords() words { return words{{code: errs.SessionInvalid, number: 1010001}} }

func mailWords() words {
	return words{{code: errs.EmailInvalid, number: 1020017}, {code: errs.EmailBounced, number: 1020017}}
}

func passwordWords() words { return words{{code: errs.PasswordWrong, number: oldPasswordWrong}} }

func phoneWords() words {
	return words{{code: errs.IdentifierTaken, number: 2035}, {code: errs.IdentifierMismatch, number: 2038}}
}

func emailWords() words {
	return words{
		{code: errs.IdentifierTaken, number: 2200},
		{code: errs.IdentifierMismatch, number: 2037},
		{code: errs.EmailInvalid, number: 2204},
	}
}

func profileWords() words { return words{{code: errs.UsernameTaken, number: 2034}} }
