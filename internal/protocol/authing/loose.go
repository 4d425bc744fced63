package authing

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
)

// text is a string that may arrive as a number, as codes and country codes do.
type text string

// UnmarshalJSON takes a string, a number, or null.
func (t *text) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && (data[0] == '-' || data[0] >= '0' && data[0] <= '9') {
		*t = text(data)
		return nil
	}
	return json.Unmarshal(data, (*string)(t)) // the decoder names the member
}

// flag is a boolean that may arrive as text.
type flag bool

// UnmarshalJSON takes a boolean, "true", "false", "" or null.
func (f *flag) UnmarshalJSON(data []byte) error {
	switch strings.Trim(string(bytes.TrimSpace(data)), `"`) {
	case "true", "1":
		*f = true
	case "false", "0", "", "null":
		*f = false
	default:
		return errors.New("not a boolean")
	}
	return nil
}

// requestContext is what an app tells the functions of its pool: text, or an object.
type requestContext struct{ value any }

// maxContext bounds it, as written.
const maxContext = 8 << 10

// UnmarshalJSON takes a string, an object, or null.
func (c *requestContext) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) > maxContext {
		return errs.New(errs.FieldTooLong, "field", "context", "max", strconv.Itoa(maxContext))
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return errs.New(errs.BadRequest, "field", "context").Because(err)
	}
	switch v := v.(type) {
	case nil:
	case string:
		if v != "" {
			c.value = v
		}
	case map[string]any:
		c.value = v
	default:
		return errs.New(errs.BadRequest, "field", "context")
	}
	return nil
}

// customFields are custom data as clients bring them: an object, a list of {key, value},
// or such a list as JSON text.
type customFields map[string]any

// UnmarshalJSON takes any of the forms; text that is none of them says nothing.
func (c *customFields) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '"' {
		var inner string
		if err := json.Unmarshal(data, &inner); err != nil {
			return errs.New(errs.BadRequest).Because(err)
		}
		if data = bytes.TrimSpace([]byte(inner)); !json.Valid(data) {
			return nil
		}
	}
	if len(data) == 0 {
		return nil
	}
	switch data[0] {
	case '{':
		return decoded(json.Unmarshal(data, (*map[string]any)(c)))
	case '[':
		var list []struct {
			Key   string `json:"key"`
			Value any    `json:"value"`
		}
		if err := decoded(json.Unmarshal(data, &list)); err != nil {
			return err
		}
		*c = make(customFields, len(list))
		for _, f := range list {
			(*c)[f.Key] = f.Value
		}
	}
	return nil
}

func decoded(err error) error {
	if err != nil {
		return errs.New(errs.BadRequest).Because(err)
	}
	return nil
}

// anything keeps a value as it was written.
type anything string

// UnmarshalJSON takes every value; null is none.
func (a *anything) UnmarshalJSON(data []byte) error {
	if string(data) != "null" {
		*a = anything(data)
	}
	return nil
}

// rawBody is an input whose members are not known beforehand.
type rawBody struct {
	Body json.RawMessage `body:"raw"`
}

// object reads the body; none is an empty object.
func (b rawBody) object() (map[string]any, error) {
	fields := map[string]any{}
	if len(b.Body) == 0 {
		return fields, nil
	}
	return fields, decoded(json.Unmarshal(b.Body, &fields))
}
