package api

// App is an application of a pool: whatever signs people in.
type App struct {
	ID           string   `json:"id" doc:"the client id, and Authing app id"`
	Name         string   `json:"name" doc:"what people see where they sign in"`
	Origins      []string `json:"origins" doc:"web origins whose pages may call the server"`
	RedirectURIs []string `json:"redirect_uris" doc:"where people may be sent after signing in"`
	LogoutURIs   []string `json:"logout_uris" doc:"where people may be sent after signing out"`
	RefreshGrace int      `json:"refresh_grace" doc:"for how many seconds a used refresh token of OpenID Connect is still answered"`
	Secrets      int      `json:"secrets" doc:"how many client secrets are good; none makes it a public client"`
	Default      bool     `json:"default" doc:"the pool's own application, which has the pool's id"`
}

// AppRef names an application.
type AppRef struct {
	PoolRef
	App string `path:"app" doc:"id of the application"`
}

// NewApp is an application to make.
type NewApp struct {
	PoolRef
	ID           string   `json:"id,omitempty" doc:"the client id; made up when it is not given"`
	Name         string   `json:"name" doc:"what people see where they sign in"`
	Origins      []string `json:"origins,omitempty" doc:"web origins whose pages may call the server, such as https://app.example.com"`
	RedirectURIs []string `json:"redirect_uris,omitempty" doc:"where people may be sent after signing in"`
	LogoutURIs   []string `json:"logout_uris,omitempty" doc:"where people may be sent after signing out"`
}

// AppChange changes an application; what is not given stays, and a list replaces the old
// one.
type AppChange struct {
	AppRef
	Guarded
	Name         *string   `json:"name,omitempty" doc:"what people see where they sign in"`
	Origins      *[]string `json:"origins,omitempty" doc:"web origins whose pages may call the server"`
	RedirectURIs *[]string `json:"redirect_uris,omitempty" doc:"where people may be sent after signing in"`
	LogoutURIs   *[]string `json:"logout_uris,omitempty" doc:"where people may be sent after signing out"`
	RefreshGrace *int      `json:"refresh_grace,omitempty" doc:"for how many seconds a used refresh token of OpenID Connect is still answered"`
}

// Secret is a secret that is shown this once.
type Secret struct {
	Secret string `json:"secret" doc:"keep it: it is not shown again"`
}

// Snippet is what to paste into an app.
type Snippet struct {
	Client string `json:"client" doc:"which client library it is for"`
	Text   string `json:"text" doc:"the lines, with this server's addresses and ids"`
}
