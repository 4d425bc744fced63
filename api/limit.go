package api

import "time"

// Limit is one rule about how often something may happen.
type Limit struct {
	Rule    string `json:"rule" doc:"name of the rule"`
	What    string `json:"what" doc:"what is counted"`
	Of      string `json:"of" doc:"whom it is counted for"`
	Most    int    `json:"most" doc:"how many there may be; 0 for no bound"`
	Seconds int64  `json:"seconds" doc:"in how long a time"`
	Then    string `json:"then" enum:"refused,captcha" doc:"what happens above it"`
	SetBy   string `json:"set_by" enum:"server,pool" doc:"where the number is set: in the configuration of the server, or in the settings of the pool"`
}

// LimitQuery asks how far the counters of somebody or something stand.
type LimitQuery struct {
	PoolRef
	Subject string `query:"subject" doc:"id or user name of a person, a phone number, a mail address, a client address or a device; the whole pool when it is not given"`
	Kind    string `query:"kind" enum:"person,target,name,address,device" doc:"what the subject is; found out when it is not given"`
}

// LimitState is how far the counters of somebody or something stand.
type LimitState struct {
	Subject  string         `json:"subject" doc:"as it was understood: an id, a number in full, an address"`
	Kind     string         `json:"kind" enum:"person,target,name,address,device,pool" doc:"what the subject is"`
	User     string         `json:"user,omitempty" doc:"id of the person it is about, or whose number or mail address it is"`
	UserName string         `json:"user_name,omitempty" doc:"what the person is called"`
	Status   string         `json:"status,omitempty" enum:"active,pending,blocked" doc:"whether the person may sign in at all"`
	Enforced bool           `json:"enforced" doc:"the pool enforces limits; wrong passwords are always counted"`
	Full     bool           `json:"full" doc:"something is refused, or a captcha asked for, now"`
	Counters []LimitCounter `json:"counters" doc:"every counter that is kept"`
}

// LimitCounter is how far one counter stands.
type LimitCounter struct {
	Rule    string     `json:"rule" doc:"name of the rule"`
	What    string     `json:"what" doc:"what is counted"`
	Of      string     `json:"of" enum:"person,target,name,address,network,group,device,country,pool" doc:"what it is kept for"`
	Value   string     `json:"value" doc:"which of these"`
	Shared  bool       `json:"shared" doc:"it counts what happens in other pools too"`
	Count   int        `json:"count" doc:"how many there were; 0 for a shared one of an administrator who is confined to some pools, unless it is full"`
	Most    int        `json:"most" doc:"how many there may be"`
	Seconds int64      `json:"seconds" doc:"in how long a time"`
	Then    string     `json:"then" enum:"refused,captcha" doc:"what happens above it"`
	Full    bool       `json:"full" doc:"that happens now"`
	Until   *time.Time `json:"until,omitempty" doc:"when it stops, if nothing is added"`
}

// LimitRelease forgets what was counted of somebody or something.
type LimitRelease struct {
	PoolRef
	Subject string `json:"subject,omitempty" doc:"as for a question about limits; the whole pool when it is not given"`
	Kind    string `json:"kind,omitempty" enum:"person,target,name,address,device" doc:"what the subject is; found out when it is not given"`
	Rule    string `json:"rule,omitempty" doc:"only the counters of this rule; all when it is not given"`
}
