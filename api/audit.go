package api

import "time"

// AuditQuery looks for records of the audit trail.
type AuditQuery struct {
	PoolRef
	Page
	AuditTerms
}

// InstallationAuditQuery looks for records of what concerns the whole installation.
type InstallationAuditQuery struct {
	Page
	AuditTerms
}

// AuditTerms narrow a search of the audit trail; each one narrows the others.
type AuditTerms struct {
	Action    string `query:"action" doc:"what was done, or how it begins: user.sign_in, user., provider."`
	Result    string `query:"result" doc:"ok, refused, or the code of a refusal"`
	User      string `query:"user" doc:"id of whom it is about"`
	Actor     string `query:"actor" doc:"who did it: a person's id, operator:ID, key:ID"`
	Client    string `query:"client" doc:"id of the application"`
	IP        string `query:"ip" doc:"address it came from"`
	RequestID string `query:"request_id" doc:"id of the request"`
	Since     string `query:"since" doc:"from when on, RFC 3339 or a date"`
	Until     string `query:"until" doc:"before when, RFC 3339 or a date"`
}

// AuditExport takes records away as a file.
type AuditExport struct {
	PoolRef
	AuditTerms
	Format string `query:"format" enum:"jsonl,csv" doc:"one JSON object a line when it is not given, or a table safe to open in a spreadsheet"`
}

// AuditRef names a record.
type AuditRef struct {
	PoolRef
	Record string `path:"record" doc:"id of the record"`
}

// AuditRecord is one thing that happened.
type AuditRecord struct {
	ID        string            `json:"id" doc:"id of the record"`
	At        time.Time         `json:"at" doc:"when it happened"`
	Action    string            `json:"action" doc:"what was done"`
	Result    string            `json:"result" doc:"ok, or the code of the refusal"`
	User      string            `json:"user,omitempty" doc:"whom it is about"`
	Actor     string            `json:"actor,omitempty" doc:"who did it; stranger:... is the mark of what somebody unknown typed"`
	ActorName string            `json:"actor_name,omitempty" doc:"name of that administrator or API key, while there is one"`
	Client    string            `json:"client,omitempty" doc:"application"`
	Session   string            `json:"session,omitempty" doc:"session"`
	Device    string            `json:"device,omitempty" doc:"what the device calls itself"`
	IP        string            `json:"ip,omitempty" doc:"address it came from"`
	UserAgent string            `json:"user_agent,omitempty" doc:"browser or app"`
	RequestID string            `json:"request_id,omitempty" doc:"id of the request"`
	Detail    map[string]string `json:"detail,omitempty" doc:"more, without secrets and with masked addresses"`
}

// AuditProof is what a check of the chain of records found.
type AuditProof struct {
	Whole       bool          `json:"whole" doc:"nothing was changed, deleted or added"`
	Records     int64         `json:"records" doc:"how many were read"`
	Lanes       int           `json:"lanes" doc:"chains side by side"`
	Checkpoints int           `json:"checkpoints" doc:"signed checkpoints held against them"`
	CheckedAt   time.Time     `json:"checked_at" doc:"when it was checked"`
	Finding     *AuditFinding `json:"finding,omitempty" doc:"the first thing that is wrong"`
}

// AuditFinding is the first thing that is wrong with the chain.
type AuditFinding struct {
	Kind   string `json:"kind" enum:"changed,missing,truncated,rewritten,outside,forged" doc:"what is wrong"`
	Lane   int64  `json:"lane" doc:"the chain"`
	Place  int64  `json:"place" doc:"the first bad place in it"`
	Record string `json:"record,omitempty" doc:"the record there"`
}
