package api

import "time"

// Checkup is what the doctor found.
type Checkup struct {
	Level    string    `json:"level" enum:"ok,warn,fail" doc:"of the worst finding"`
	At       time.Time `json:"at" doc:"when it was looked"`
	Findings []Finding `json:"findings" doc:"everything that was looked at"`
}

// Finding is one thing that was looked at.
type Finding struct {
	ID     string `json:"id" doc:"which finding it is, for programs"`
	Level  string `json:"level" enum:"ok,warn,fail" doc:"fail: it does not work or is not safe; warn: it will hurt some day"`
	Title  string `json:"title" doc:"what was looked at"`
	Detail string `json:"detail" doc:"what it is"`
	Fix    string `json:"fix,omitempty" doc:"how to mend it"`
}
