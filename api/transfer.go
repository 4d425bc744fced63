package api

import "encoding/json"

// ImportUsers brings people in.
type ImportUsers struct {
	PoolRef
	Rows          []json.RawMessage `json:"rows,omitempty" doc:"the people, each an object as a line of JSON lines has; at most 10,000, best 1,000 a request"`
	Data          string            `json:"data,omitempty" doc:"instead of rows, the text of a file: CSV, JSON lines or a JSON list; may be sent as the body itself, as text/csv or application/x-ndjson with the rest in the query"`
	Format        string            `json:"format,omitempty" enum:"csv,jsonl,json" doc:"of the file; what it looks like when it is not given"`
	From          string            `json:"from,omitempty" enum:"cloudbase,authing" doc:"whose export it is; our own form when it is not given"`
	OnConflict    string            `json:"on_conflict,omitempty" enum:"skip,update,fail" doc:"what to do about people who are there: skip when it is not given"`
	DryRun        bool              `json:"dry_run,omitempty" doc:"check everything, store nothing"`
	IgnoreUnknown bool              `json:"ignore_unknown,omitempty" doc:"drop columns nobody knows instead of refusing the file"`
}

// Imported is the outcome of an import.
type Imported struct {
	Rows     int64           `json:"rows" doc:"how many the file has"`
	Created  int64           `json:"created" doc:"how many were made"`
	Updated  int64           `json:"updated" doc:"how many were there and were updated"`
	Skipped  int64           `json:"skipped" doc:"how many were there and were left alone"`
	Refused  int64           `json:"refused" doc:"how many break a rule"`
	DryRun   bool            `json:"dry_run,omitempty" doc:"nothing was stored"`
	Problems []ImportProblem `json:"problems" doc:"who was not imported, the first thousand of them"`
}

// ImportProblem is why somebody was not imported.
type ImportProblem struct {
	Line   int64  `json:"line" doc:"in the file, from 1"`
	Result string `json:"result" enum:"skipped,refused" doc:"what became of them"`
	Reason string `json:"reason" doc:"the code of a refusal"`
	Field  string `json:"field,omitempty" doc:"the field it is about"`
	Detail string `json:"detail,omitempty" doc:"more, for people"`
}

// ExportUsers takes people out.
type ExportUsers struct {
	PoolRef
	Page
	Full   bool `query:"full" doc:"numbers and addresses as they are; masked when it is not given"`
	Hashes bool `query:"hashes" doc:"password hashes too"`
}

// ExportFile takes people out as a file.
type ExportFile struct {
	PoolRef
	Format string `query:"format" enum:"jsonl,csv" doc:"of the file; jsonl when it is not given"`
	Full   bool   `query:"full" doc:"numbers and addresses as they are, which an import needs; masked when it is not given"`
	Hashes bool   `query:"hashes" doc:"password hashes too"`
}

// ExportedUser is a person in the form an import takes.
type ExportedUser struct {
	ID     string          `json:"id" doc:"id of the person"`
	Record json.RawMessage `json:"record" doc:"a line of JSON for an import, see docs/migrating.md"`
}

// PersonExport is everything that is kept of one person.
type PersonExport struct {
	Document json.RawMessage `json:"document" doc:"account, identities, sessions and history"`
}
