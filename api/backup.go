package api

import "time"

// Backup is a backup of the whole server.
type Backup struct {
	File      string     `json:"file" doc:"its name in the directory of backups"`
	State     string     `json:"state" enum:"whole,damaged,foreign,unknown,writing,checking" doc:"whole was read to its end and misses nothing; foreign cannot be opened with this server's key; writing and checking go on"`
	TakenAt   time.Time  `json:"taken_at" doc:"the moment it shows"`
	Bytes     int64      `json:"bytes" doc:"how long it is, or is so far"`
	Rows      int64      `json:"rows,omitempty" doc:"how many rows it has"`
	Users     int64      `json:"users,omitempty" doc:"how many people are in it"`
	CheckedAt *time.Time `json:"checked_at,omitempty" doc:"when it was last read to its end"`
}

// BackupRef names a backup.
type BackupRef struct {
	File string `path:"file" doc:"name of the backup"`
}

// BackupSchedule says when backups are made by themselves, and how that goes.
type BackupSchedule struct {
	Hours     int        `json:"hours" doc:"between two; 0 makes none"`
	Keep      int        `json:"keep" doc:"how many stay; the oldest go when one was made by the clock"`
	Directory string     `json:"directory" doc:"where they are on the server: backup.dir of its configuration"`
	Sealed    string     `json:"sealed" enum:"master_key,passphrase" doc:"what opens them"`
	DoneAt    *time.Time `json:"done_at,omitempty" doc:"when the last one was made"`
	FailedAt  *time.Time `json:"failed_at,omitempty" doc:"when one could not be made since; the log says why"`
}

// BackupScheduleChange changes when backups are made by themselves.
type BackupScheduleChange struct {
	Guarded
	Hours *int `json:"hours,omitempty" doc:"between two; 0 makes none"`
	Keep  *int `json:"keep,omitempty" doc:"how many stay"`
}
