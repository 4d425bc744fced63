package audit

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Exporter writes records for people and programs elsewhere, one record a line.
type Exporter interface {
	// Write writes one record.
	Write(r Record) error
	// Close writes what is left over. It does not close the file.
	Close() error
}

// line is a record in an export. Its names are a contract.
type line struct {
	Time      string            `json:"time"`
	ID        string            `json:"id"`
	Pool      string            `json:"pool"`
	Action    string            `json:"action"`
	Result    string            `json:"result"`
	User      string            `json:"user,omitempty"`
	Actor     string            `json:"actor,omitempty"`
	Client    string            `json:"client,omitempty"`
	Session   string            `json:"session,omitempty"`
	Device    string            `json:"device,omitempty"`
	IP        string            `json:"ip,omitempty"`
	UserAgent string            `json:"user_agent,omitempty"`
	Request   string            `json:"request,omitempty"`
	Detail    map[string]string `json:"detail,omitempty"`
}

func lineOf(r Record) line {
	e := r.Event
	return line{
		Time: r.At.UTC().Format(time.RFC3339Nano), ID: r.ID, Pool: e.PoolID, Action: e.Action, Result: e.Result,
		User: e.UserID, Actor: e.Actor, Client: e.ClientID, Session: e.SessionID, Device: r.DeviceID, IP: r.IP,
		UserAgent: r.UserAgent, Request: r.RequestID, Detail: e.Detail,
	}
}

// NewJSONLines exports one JSON object a line.
func NewJSONLines(w io.Writer) Exporter { return jsonLines{json.NewEncoder(w)} }

type jsonLines struct{ enc *json.Encoder }

func (j jsonLines) Write(r Record) error { return j.enc.Encode(lineOf(r)) }
func (j jsonLines) Close() error         { return nil }

// NewCSV exports a table with a head line. What a spreadsheet would run as a formula is
// text with an apostrophe in front (AD-07), and a record is one line whatever its client
// sent (AU-04).
func NewCSV(w io.Writer) (Exporter, error) {
	t := table{csv.NewWriter(w)}
	return t, t.w.Write([]string{
		"time", "id", "pool", "action", "result", "user", "actor", "client", "session", "device", "ip",
		"user_agent", "request", "detail",
	})
}

type table struct{ w *csv.Writer }

func (t table) Write(r Record) error {
	l := lineOf(r)
	var detail []string
	for _, k := range slices.Sorted(maps.Keys(l.Detail)) {
		detail = append(detail, k+"="+l.Detail[k])
	}
	cells := []string{
		l.Time, l.ID, l.Pool, l.Action, l.Result, l.User, l.Actor, l.Client, l.Session, l.Device, l.IP,
		l.UserAgent, l.Request, strings.Join(detail, "; "),
	}
	for i, c := range cells {
		cells[i] = Cell(c)
	}
	return t.w.Write(cells)
}

func (t table) Close() error {
	t.w.Flush()
	return t.w.Error()
}

// Cell makes text safe to be a cell of a table that a spreadsheet opens: control
// characters are spelled out, and what would begin a formula gets an apostrophe.
func Cell(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }) {
		quoted := strconv.Quote(text)
		text = quoted[1 : len(quoted)-1]
	}
	if text != "" && strings.ContainsRune("=+-@\\|%", rune(text[0])) {
		return "'" + text
	}
	return text
}
