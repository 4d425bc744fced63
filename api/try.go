package api

// SignInWay is one way to sign in to a pool.
type SignInWay struct {
	Name string `json:"name" doc:"password, code_sms, code_email, anonymous, ticket, onetap, qr or provider"`
	On   bool   `json:"on" doc:"people can use it now"`
	// Provider and Title are of the way provider.
	Provider string `json:"provider,omitempty" doc:"id of the identity provider"`
	Kind     string `json:"kind,omitempty" doc:"its vendor"`
	Title    string `json:"title,omitempty" doc:"the name it was given"`
	Why      string `json:"why,omitempty" doc:"why it is off, in one word"`
}

// TryLink asks for an address to try signing in at.
type TryLink struct {
	AppRef
	RedirectURI string `json:"redirect_uri,omitempty" doc:"one of the application's; its first when it is not given"`
}

// TryAddress is where the sign-in page of an application opens.
type TryAddress struct {
	URL         string `json:"url" doc:"opens the sign-in page; the answer goes to redirect_uri"`
	RedirectURI string `json:"redirect_uri" doc:"where people come back to, with a code in the query"`
	Verifier    string `json:"code_verifier" doc:"with which the code can be redeemed (RFC 7636)"`
}
