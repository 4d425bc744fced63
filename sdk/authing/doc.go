// Package authing is a client of the Authing v2 sign-in API: every method of its
// documentation page under the same name, for Tigertally and for the original cloud.
//
// An [AuthClient] acts for one person in one application, as a phone or a browser does.
// A method that signs somebody in keeps their login token in the client's [Storage] and
// later calls send it; [AuthClient.Logout] drops it. A server that talks for many people
// makes a client for each with a [MemoryStorage] of its own; they share connections.
// Clients are safe for use by many goroutines.
//
// A refusal of the server is an [*Error] whose code is a sentinel:
//
//	if errors.Is(err, authing.ErrPasswordWrong) { … }
//
// Passwords are encrypted with the public key of the pool before they leave the process.
//
// The package does not verify tokens for other people's requests; package verify does.
package authing
