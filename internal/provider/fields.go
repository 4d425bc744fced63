package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
)

// parseFields reads an answer whose shape only the settings know. Numbers keep their
// text: an id of twenty digits is not what a float makes of it.
func parseFields(a driver.Answer) (any, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(a.Body, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	var document any
	if err := d.Decode(&document); err != nil {
		return nil, unavailable(fmt.Errorf("the answer is %w JSON", shape(err)))
	}
	return document, nil
}

// at follows a path of names and list positions, nil where it leads nowhere.
func at(document any, path string) any {
	if path == "" {
		return nil
	}
	for step := range strings.SplitSeq(path, ".") {
		switch v := document.(type) {
		case map[string]any:
			document = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			document = v[i]
		default:
			return nil
		}
	}
	return document
}

// field is the text at a path: a string or a number, "" for anything else.
func field(document any, path string) string {
	switch v := at(document, path).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
