// Package cloudbase is CloudBase Auth v2 for Go programs: every call of the sign-in page
// of the JavaScript library under its own name, against a Tigertally server or
// CloudBase itself. It sends the requests the JavaScript library sends and keeps its
// session the same way. It does not render pages, knows no other CloudBase service and
// does not check tokens; a server that receives them does that with package verify.
//
//	app, err := cloudbase.New(cloudbase.Config{Env: "my-env", Endpoint: "https://auth.example.com"})
//	…
//	defer app.Close()
//	auth := app.Auth()
//	state, err := auth.SignIn(ctx, cloudbase.SignInRequest{Username: "ada", Password: password})
//	if errors.Is(err, cloudbase.ErrInvalidPassword) { … }
//
// # Sessions
//
// One App holds one person's session, in its [Storage]. A program that signs in many
// people, such as a web server, makes an App for each, with a Storage each; Apps are
// cheap and share connections through one [http.Client]. All methods may be called from
// many goroutines.
//
// An access token that has expired is replaced before the call that needs it, once for
// all goroutines that wait. The session ends only with [Auth.SignOut] or when the server
// says that the token is worth nothing and cannot be replaced; a server that cannot be
// reached never ends it.
//
// # Errors
//
// What a server refuses and what goes wrong on the way is an [*Error]. Its Name is the
// word of the protocol, which errors.Is compares with the constants of this package.
package cloudbase
