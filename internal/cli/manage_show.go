package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

// maxColumns is how much of an entry fits into a line.
const maxColumns = 7

// show prints the answer of an operation: as it came, or for people. A list becomes a
// table of what is short, and anything else lines of name and value.
func show(w io.Writer, o protocol.Operation, raw bool, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if raw || o.Media != "" {
		_, err := w.Write(text)
		return err
	}
	if items, ok := o.Out.FieldByName("Items"); ok {
		var list struct {
			Items      []map[string]json.RawMessage `json:"items"`
			NextCursor string                       `json:"next_cursor"`
		}
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		return showList(w, items.Type.Elem(), list.Items, list.NextCursor)
	}
	var one map[string]json.RawMessage
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	tab := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, f := range protocol.Fields(o.Out) {
		value, ok := one[f.Name]
		if !ok {
			continue
		}
		var members map[string]json.RawMessage
		if f.Type.Kind() == reflect.Map && json.Unmarshal(value, &members) == nil {
			showMembers(tab, members)
			continue
		}
		fmt.Fprintf(tab, "%s\t%s\n", f.Name, cell(value))
	}
	return tab.Flush()
}

func showMembers(w io.Writer, members map[string]json.RawMessage) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		fmt.Fprintf(w, "%s\t%s\n", name, cell(members[name]))
	}
}

func showList(w io.Writer, item reflect.Type, items []map[string]json.RawMessage, next string) error {
	var columns []string
	for _, f := range protocol.Fields(item) {
		if kindOf(f.Type) != reflect.Map && len(columns) < maxColumns {
			columns = append(columns, f.Name)
		}
	}
	tab := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tab, strings.ToUpper(strings.Join(columns, "\t")))
	for _, entry := range items {
		cells := make([]string, len(columns))
		for i, name := range columns {
			cells[i] = cell(entry[name])
		}
		fmt.Fprintln(tab, strings.Join(cells, "\t"))
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	if next != "" {
		_, err := fmt.Fprintf(w, "there are more: --cursor %s\n", next)
		return err
	}
	return nil
}

// cell is a JSON value for a line of a table. Control characters are left out: what
// people put into their names must not move the cursor.
func cell(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "-"
	case json.Unmarshal(raw, &text) == nil:
	default:
		text = string(raw)
	}
	if text == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}
