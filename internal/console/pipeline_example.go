package console

// example is a function to begin with. Its words are pipeline_example_<name>.
type example struct{ name, point, source string }

// examples are ready to run and to be changed.
func examples() []example {
	return []example{
		{"guard", "PRE_REGISTER", `async function pipe(user, context, callback) {
  if (user.email && user.email.endsWith('@evil.com')) {
    return callback(new Error('evil.com is not welcome'));
  }
  return callback(null, user, context);
}
`},
		{"claims", "PRE_OIDCTOKENISSUED", `async function pipe(user, context, callback) {
  user.addIdToken('company', user.company || 'none');
  return callback(null, user, context);
}
`},
		{"office", "PRE_AUTHENTICATION", `const { ipRangeCheck } = require('./utils');

async function pipe(user, context, callback) {
  if (user.company === 'Example Ltd' && !ipRangeCheck(context.request.ip, ['10.0.0.0', '10.255.255.255'])) {
    log('refused', context.request.ip);
    return callback(new Error('Please sign in from the office'));
  }
  return callback(null, user, context);
}
`},
	}
}

func exampleFor(name string) (example, bool) {
	for _, e := range examples() {
		if e.name == name {
			return e, true
		}
	}
	return example{}, false
}

// What the editor begins with.
const (
	blankFunction = `async function pipe(user, context, callback) {
  return callback(null, user, context);
}
`
	sampleUser = `{
  "username": "someone",
  "email": "someone@evil.com",
  "emailVerified": true,
  "phone": "13800000000",
  "company": "Example Ltd"
}`
	sampleContext = `{
  "protocol": "password",
  "request": { "ip": "203.0.113.7", "body": {}, "query": {} }
}`
)
