package api

import (
	"encoding/json"
	"time"
)

// Pool is one directory of people with one set of rules: what CloudBase calls an
// environment and Authing a user pool.
type Pool struct {
	ID        string    `json:"id" doc:"also the CloudBase environment and Authing user pool id"`
	Name      string    `json:"name" doc:"what administrators see"`
	CreatedAt time.Time `json:"created_at" doc:"when it was made"`
}

// PoolRef names a pool.
type PoolRef struct {
	Pool string `path:"pool" doc:"id of the pool"`
}

// NewPool is a pool to make.
type NewPool struct {
	ID      string   `json:"id" doc:"lower-case letters, digits and hyphens; also the CloudBase environment"`
	Name    string   `json:"name,omitempty" doc:"what administrators see; the id when it is not given"`
	Origins []string `json:"origins,omitempty" doc:"web origins whose pages may sign people in, such as https://app.example.com"`
}

// PoolChange changes a pool; what is not given stays.
type PoolChange struct {
	PoolRef
	Guarded
	Name *string `json:"name,omitempty" doc:"what administrators see"`
}

// PoolSettings are the rules of a pool by name. Lengths of time are seconds.
type PoolSettings struct {
	Settings map[string]json.RawMessage `json:"settings" doc:"every rule of the pool by name; durations are seconds"`
}

// PoolSettingsChange changes rules of a pool; what is not named stays.
type PoolSettingsChange struct {
	PoolRef
	Guarded
	Settings map[string]json.RawMessage `json:"settings" doc:"the rules to change, by name"`
}
