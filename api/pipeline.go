package api

import (
	"encoding/json"
	"time"
)

// Function is a step of the chain that runs at a point.
type Function struct {
	ID          string    `json:"id" doc:"its id, which stays when it is put again"`
	Name        string    `json:"name" doc:"unique in the pool"`
	Description string    `json:"description" doc:"a line about it"`
	Point       string    `json:"point" doc:"when it runs" enum:"PRE_REGISTER,POST_REGISTER,PRE_AUTHENTICATION,POST_AUTHENTICATION,PRE_OIDCTOKENISSUED,PRE_OIDC_ACCESS_TOKEN_ISSUED"`
	Position    int       `json:"position" doc:"its place in the chain, counted from 1"`
	Enabled     bool      `json:"enabled" doc:"it runs"`
	Background  bool      `json:"background" doc:"nobody waits for it, and its answer is dropped"`
	Version     int64     `json:"version" doc:"how often it was put"`
	Author      string    `json:"author" doc:"who put this version"`
	CreatedAt   time.Time `json:"created_at" doc:"when it was made"`
	UpdatedAt   time.Time `json:"updated_at" doc:"when this version was put, or something was switched"`
	SHA256      string    `json:"sha256,omitempty" doc:"of the source, as the record has it"`
	Source      string    `json:"source,omitempty" doc:"the JavaScript; not in lists"`
}

// FunctionRef names a function.
type FunctionRef struct {
	PoolRef
	Pipeline string `path:"pipeline" doc:"name or id of the function"`
}

// FunctionQuery asks for one version of a function.
type FunctionQuery struct {
	FunctionRef
	Version int64 `query:"version" doc:"an older version; the one that runs when it is not given"`
}

// FunctionPut stores a function at the end of its chain, or the next version of the one
// of the same name; what is not given stays. A new one runs unless enabled is false.
type FunctionPut struct {
	FunctionRef
	Guarded
	Point       string  `json:"point,omitempty" doc:"when a new one runs" enum:"PRE_REGISTER,POST_REGISTER,PRE_AUTHENTICATION,POST_AUTHENTICATION,PRE_OIDCTOKENISSUED,PRE_OIDC_ACCESS_TOKEN_ISSUED"`
	Description *string `json:"description,omitempty" doc:"a line about it"`
	Background  *bool   `json:"background,omitempty" doc:"nobody waits for it, and its answer is dropped"`
	Enabled     *bool   `json:"enabled,omitempty" doc:"of a new one: run it at once"`
	Source      string  `json:"source" doc:"the JavaScript, at most 32 KiB"`
}

// FunctionMove gives a function another place in its chain.
type FunctionMove struct {
	FunctionRef
	Position int `json:"position" doc:"the place in the chain, counted from 1"`
}

// DryRun runs a function on a person and a context of your choice. Nothing is stored.
type DryRun struct {
	PoolRef
	Pipeline string          `json:"pipeline,omitempty" doc:"name or id of a stored function, instead of point and source"`
	Point    string          `json:"point,omitempty" doc:"when it runs" enum:"PRE_REGISTER,POST_REGISTER,PRE_AUTHENTICATION,POST_AUTHENTICATION,PRE_OIDCTOKENISSUED,PRE_OIDC_ACCESS_TOKEN_ISSUED"`
	Source   string          `json:"source,omitempty" doc:"the JavaScript; that of the stored function when it is not given"`
	App      string          `json:"app,omitempty" doc:"the application that is signed in to; the pool's own when it is not given"`
	Person   string          `json:"person,omitempty" doc:"id of somebody of the pool whom the function is shown"`
	User     json.RawMessage `json:"user,omitempty" doc:"an object that the function is shown as the user; its keys replace those of the person"`
	Context  json.RawMessage `json:"context,omitempty" doc:"an object whose keys replace those of an ordinary context"`
}

// DryRunResult is what a dry run showed.
type DryRunResult struct {
	OK      bool            `json:"ok" doc:"the event would go on"`
	Refusal string          `json:"refusal,omitempty" doc:"what the client would be told"`
	Cause   string          `json:"cause,omitempty" doc:"what is wrong with the function"`
	User    json.RawMessage `json:"user,omitempty" doc:"what the function handed on as the user"`
	Context json.RawMessage `json:"context,omitempty" doc:"what it handed on as the context"`
	Effect  DryRunEffect    `json:"effect" doc:"what of it would count"`
	Logs    []string        `json:"logs" doc:"the lines it logged"`
	Millis  float64         `json:"ms" doc:"how long it took"`
}

// DryRunEffect is what of a function's answer would count at its point.
type DryRunEffect struct {
	User        map[string]any `json:"user,omitempty" doc:"properties of the person that would be stored"`
	CustomData  map[string]any `json:"custom_data,omitempty" doc:"custom fields that would be stored, where the pool defines them"`
	IDToken     *ClaimChange   `json:"id_token,omitempty" doc:"claims of the ID token"`
	AccessToken *ClaimChange   `json:"access_token,omitempty" doc:"claims of the access token"`
}

// ClaimChange is a change of a token's claims.
type ClaimChange struct {
	Set    map[string]any `json:"set,omitempty" doc:"claims with their values"`
	Remove []string       `json:"remove,omitempty" doc:"claims that are taken away"`
}

// FunctionVariable is a name that functions read in env. Its value is never shown.
type FunctionVariable struct {
	Name string `json:"name" doc:"as functions read it: env.NAME"`
}

// FunctionVariableRef names one of env.
type FunctionVariableRef struct {
	PoolRef
	Name string `path:"name" doc:"as functions read it: env.NAME"`
}

// FunctionVariableSet gives a name of env its value.
type FunctionVariableSet struct {
	FunctionVariableRef
	Value string `json:"value" doc:"stored sealed, at most 4 KiB, and never shown again"`
}
