package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// maxFrame bounds one message between server and worker.
const maxFrame = 4 << 20

// hello is what a worker is told first.
type hello struct {
	Cache string `json:"cache"` // directory that keeps the compiled interpreter, or ""
}

// request is one chain of functions to run, or to compile only.
type request struct {
	Check   bool              `json:"check,omitempty"`
	Steps   []Step            `json:"steps"`
	User    json.RawMessage   `json:"user"`
	Context json.RawMessage   `json:"context"`
	Env     map[string]string `json:"env"`
	Now     time.Time         `json:"now"`
	Seed    [4]uint32         `json:"seed"`
	Budget  time.Duration     `json:"budget"`
}

// response is what became of it. The first one of a worker says that it is ready.
type response struct {
	User    json.RawMessage `json:"user,omitempty"`
	Context json.RawMessage `json:"context,omitempty"`
	Changes []Change        `json:"changes,omitempty"`
	Logs    []Line          `json:"logs,omitempty"`
	Fault   *Fault          `json:"fault,omitempty"`
	Took    time.Duration   `json:"took,omitempty"`
	Retire  bool            `json:"retire,omitempty"` // the worker has done its share
}

// writeFrame sends v behind its length.
func writeFrame(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(body) > maxFrame {
		return fmt.Errorf("a message of %d bytes is too large", len(body))
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)) //nolint:gosec // bounded above.
	return err
}

// readFrame reads what writeFrame sent.
func readFrame(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return fmt.Errorf("a message of %d bytes is too large", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}
