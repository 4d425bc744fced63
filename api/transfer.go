package api

import (
	"encoding/json"
	"time"
)

// ImportUsers brings people in.
type ImportUsers struct {
	PoolRef
	Data       string `json:"data" doc:"the text of a small file, 50 KB: CSV, JSON lines or a JSON list; larger files go in parts, or by the command line"`
	Format     string `json:"format,omitempty" enum:"csv,jsonl,json" doc:"of the file; what it looks like when it is not given"`
	From       string `json:"from,omitempty" enum:"cloudbase,authing" doc:"whose export it is; our own form when it is not given"`
	OnConflict string `json:"on_conflict,omitempty" enum:"skip,update,fail" doc:"what to do about people who are there: skip when it is not given"`
	DryRun     bool   `json:"dry_run,omitempty" doc:"check everything, store nothing"`
}

// Imported is the outcome of an import.
type Imported struct {
	Rows     int64           `json:"rows" doc:"how many the file has"`
	Created  int64           `json:"created" doc:"how many were made"`
	Updated  int64           `json:"updated" doc:"how many were there and were updated"`
	Skipped  int64           `json:"skipped" doc:"how many were there and were left alone"`
	Refused  int64           `json:"refused" doc:"how many break a rule"`
	Problems []ImportProblem `json:"problems" doc:"the first hundred who were not imported"`
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

// ExportedUser is a person in the form an import takes.
type ExportedUser struct {
	ID     string          `json:"id" doc:"id of the person"`
	Record json.RawMessage `json:"record" doc:"a line of JSON for an import, see docs/migrating.md"`
}

// PersonExport is everything that is kept of one person.
type PersonExport struct {
	Document json.RawMessage `json:"document" doc:"account, identities, sessions and history"`
}

// Backup is a backup of the whole server.
type Backup struct {
	File    string    `json:"file" doc:"its name in the directory of backups"`
	TakenAt time.Time `json:"taken_at" doc:"when it was written"`
	Bytes   int64     `json:"bytes" doc:"how long it is"`
	Rows    int64     `json:"rows,omitempty" doc:"how many rows it has, when it was read"`
	Users   int64     `json:"users,omitempty" doc:"how many people are in it, when it was read"`
}

// BackupRef names a backup.
type BackupRef struct {
	File string `path:"file" doc:"name of the backup"`
}
