// Package migrate owns bringing people in from files and other vendors' exports, and
// taking them out again: all of a pool, or everything kept of one person. It decides no
// rule about people; those are admin's and user's.
package migrate

import (
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// Deps are the services a Service is made of; all are required, but Hasher only for files
// with plain-text passwords and Sessions only for ExportPerson.
type Deps struct {
	DB       *db.DB
	Pools    *pool.Service
	Users    *user.Service
	Fields   *field.Service
	Audit    *audit.Service
	Sessions *session.Service
	Hasher   *secret.Hasher
	Now      func() time.Time
}

// Service imports and exports people.
type Service struct{ d Deps }

// New makes a Service.
func New(d Deps) *Service { return &Service{d: d} }

// The formats of a file. Auto looks at its first bytes: JSON has a brace or a bracket.
const (
	Auto  = ""
	CSV   = "csv"
	JSONL = "jsonl"
	JSON  = "json" // one list
)

// What an import does about somebody who is there already.
const (
	Skip   = "skip"   // leave them as they are
	Update = "update" // overwrite the profile, but never a password
	Fail   = "fail"   // stop
)

// Options say how to import. Zero values are the defaults.
type Options struct {
	From       string // whose export it is: "" our own form, "cloudbase" or "authing"
	WeChat     string // the provider CloudBase's WXOpenId is a subject of; "wx_open" when empty
	Format     string // Auto, CSV, JSONL or JSON
	OnConflict string // Skip, Update or Fail; Skip when empty
	DryRun     bool   // check everything and store nothing
	// Resume goes on with an import of the same file that was cut off, if there is one.
	Resume    bool
	BatchSize int // people a transaction; default 1000, at most 5000
	// MaxBytes and MaxRows bound the file (ID-05); the defaults are 4 GiB and ten million
	// for the command line. A server that takes uploads sets smaller ones.
	MaxBytes int64
	MaxRows  int64
	// IgnoreUnknown drops columns nobody knows instead of refusing the file.
	IgnoreUnknown bool
	// Report gets a line of JSON for each person who was not imported; nil keeps the first
	// hundred in the Report only. It must be empty unless Resume is set.
	Report ReportFile
	// Progress, when set, is called after each transaction.
	Progress func(Progress)
}

// Progress says how far an import is.
type Progress struct {
	Counts
	Bytes, Total int64 // of the file
}

// Counts are the rows of a file by what became of them.
type Counts struct {
	Rows    int64 `json:"rows"`
	Created int64 `json:"created"`
	Updated int64 `json:"updated"`
	Skipped int64 `json:"skipped"` // were there already
	Refused int64 `json:"refused"` // break a rule
}

// Report is the outcome of an import.
type Report struct {
	Counts
	ID      string `json:"id,omitempty"` // of the import; none of a dry run
	DryRun  bool   `json:"dry_run,omitempty"`
	Resumed int64  `json:"resumed_after,omitempty"` // rows an earlier run had done
	// Problems are the first hundred.
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is why somebody was not imported. It names no value, so that a report may be
// shown around.
type Problem struct {
	Line   int64  `json:"line"` // in the file, from 1
	Result string `json:"result"`
	Reason string `json:"reason"` // the code of a refusal
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// The results a Problem may have.
const (
	Skipped = "skipped"
	Refused = "refused"
)

// ReportFile is what problems are written to; *os.File is one. A cut-off import writes
// anew from where the last committed transaction ended.
type ReportFile interface {
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
}

const (
	defaultBatch    = 1000
	maxBatch        = 5000
	defaultMaxBytes = 4 << 30
	defaultMaxRows  = 10_000_000
	// maxKept bounds the problems a Report holds itself.
	maxKept = 100
)

func (o Options) withDefaults() Options {
	if o.OnConflict == "" {
		o.OnConflict = Skip
	}
	if o.BatchSize <= 0 {
		o.BatchSize = defaultBatch
	}
	o.BatchSize = min(o.BatchSize, maxBatch)
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.MaxRows <= 0 {
		o.MaxRows = defaultMaxRows
	}
	return o
}
