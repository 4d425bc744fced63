// Package archtest owns the table of who may import whom, and the tests that hold
// the tree to it. It ships nothing.
package archtest

// Layers from the bottom up. A package may import the layers that allowed names for
// its own, and no sibling unless the siblings table gives a reason.
const (
	base   = "base"
	domain = "domain"
	flow   = "flow"
	driver = "driver"
	edge   = "edge"
	wiring = "wiring"
	top    = "top"

	// outside stands in for other people's services. It shares no code with what it
	// tests, so that one mistake cannot hide in both.
	outside = "outside"
)

// layers puts every package below internal/ and cmd/, and api, into one layer. A package in
// no layer fails the build.
var layers = map[string]string{
	"errs": base, "i18n": base, "caller": base, "db": base, "secret": base,
	"contact": base, "config": base, "web": base, "driver": base, "secret/argon2": base,
	"pipeline/sandbox": base, "api": base,

	"pool": domain, "user": domain, "code": domain, "session": domain, "keys": domain,
	"ticket": domain, "sudo": domain, "captcha": domain, "limit": domain, "audit": domain,
	"job": domain, "delivery": domain, "field": domain, "media": domain, "pipeline": domain,
	"connection": domain, "webhook": domain, "doctor": domain, "qr": domain, "backup": domain, "keeper": domain, "idempotency": domain, "operator": domain, "revocation": domain,
	"metric": domain, "channel": domain,

	"signin": flow, "account": flow, "admin": flow, "notify": flow, "oauth": flow,
	"federation": flow, "migrate": flow, "manage": flow,

	"sms": driver, "mail": driver, "onetap": driver, "puzzle": driver, "provider": driver,

	"protocol/cloudbase": edge, "protocol/authing": edge, "protocol/oidc": edge, "emulator": edge, "callback": edge, "hosted": edge,
	"protocol/manage": edge, "console": edge,

	"upsim": outside,

	"app": wiring,

	"cli": top, "testkit": top, "archtest": top, "db/dbtest": top, "account/accounttest": top, "cmd/tigertally": top,
}

// allowed says which layers each layer may import, itself apart.
var allowed = map[string][]string{
	base:   {},
	domain: {base},
	flow:   {base, domain},
	driver: {base},
	edge:   {base, domain, flow},
	wiring: {base, domain, flow, driver, edge, outside},
	top:    {base, domain, flow, driver, edge, wiring, outside},

	outside: {},
}

// siblings are the imports inside one layer, each with its reason.
var siblings = map[string]map[string]string{
	"i18n":   {"errs": "texts are keyed by code"},
	"secret": {"errs": "an overloaded hash queue is a refusal", "secret/argon2": "hashes on the pool's own threads"}, //nolint:gosec // prose.
	"db":     {"errs": "a full disk or a lost server is a refusal the caller may retry"},
	"web": {
		"errs": "the adapter hands refusals to the protocol", "i18n": "matches the caller's language",
		"caller": "fills it",
		"secret": "makes request ids",
	},
	"contact": {"errs": "a bad address is a refusal"},
	"driver":  {"secret": "signed calls have nonces"},
	"config":  {"secret": "reads secrets from files", "errs": "shares the refusal type"},

	"session":    {"keys": "signs access tokens", "pool": "lifetimes", "audit": "reuse is recorded where it is found", "user": "status values"},
	"keys":       {"audit": "a rotation is recorded with its effect"},
	"pool":       {"audit": "a settings change is recorded with its effect"},
	"sudo":       {"ticket": "a sudo token is a ticket", "pool": "lifetimes"},
	"webhook":    {"audit": "events are its records", "job": "deliveries are queued", "user": "receivers see a person"},
	"captcha":    {"ticket": "challenges and tokens are tickets", "pool": "lifetimes", "limit": "guesses are counted"},
	"code":       {"pool": "lifetimes and tries", "limit": "wrong guesses per target are counted"},
	"limit":      {"pool": "limits may be switched off per pool"},
	"pipeline":   {"pool": "functions belong to one", "user": "functions see a person", "audit": "changes and failures are recorded"},
	"revocation": {"job": "a vendor is told by a job"},
	"keeper":     {"backup": "their form", "audit": "who made one is recorded with it"},
	"user":       {"pool": "settings of the pool", "audit": "changes are recorded with their effect"},
	"operator":   {"audit": "changes are recorded with their effect", "limit": "guesses are counted"},
	"metric":     {"audit": "counts what is recorded"},

	"account": {"notify": "codes and notices", "signin": "shares the proof of a password"},
	"admin":   {"account": "ends and removes accounts the same way", "signin": "shares the rules of passwords and profiles"},
	"manage":  {"admin": "what a pool secret may do, an administrator may too", "account": "ends and removes accounts the same way", "migrate": "brings people in and out", "signin": "how strangers are found in the record", "notify": "the words of messages", "federation": "where vendors send people, and which settings are its own"},
	"signin":  {"notify": "tells the owner about a new sign-in"},

	"migrate":    {"admin": "the rules for people an operator makes", "signin": "the rules of passwords"},
	"federation": {"signin": "issues and reads provider tokens"},

	"app": {},

	"cli": {}, "testkit": {"db/dbtest": "databases for a whole server"},
	"cmd/tigertally": {"cli": "the command line"},
}

// banned keeps packages and the standard library's protocol packages out of layers
// that must not know them.
var banned = map[string][]string{
	domain: {"net/http", "internal/config", "internal/web"},
	flow:   {"net/http", "internal/config", "internal/web"},
	driver: {"internal/db", "internal/web", "internal/config"},
	edge:   {"internal/db", "internal/config"},
}

// reflective packages make the linker keep every exported method of every reachable
// type, which costs the binary a third of its size.
var reflective = []string{"html/template", "text/template"}

// clientModules are the modules beside the standard library that a package of sdk/ may
// import, each with its reason. Whoever uses a client takes them over, so there are two
// at most.
var clientModules = map[string]map[string]string{
	"sdk/cloudbase": {},
	"sdk/authing":   {},
	"sdk/verify":    {},
}

// mostClientModules is how many a client package may have.
const mostClientModules = 2

// serverInside are the packages of sdk/ that contain the server, which no client does.
var serverInside = []string{"sdk/tigertallytest"}
