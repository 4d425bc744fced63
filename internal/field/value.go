package field

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

// Check returns values as the fields of a pool hold them: texts, float64, bool, objects
// and lists. What can be meant in one way only is converted, such as "20" for a number;
// everything else is BadRequest with the name of the field. A key that is not defined is
// FieldUndefined, or left out with ignoreUnknown. A nil value, which takes the field
// away, always fits.
func (s *Service) Check(ctx context.Context, poolID string, values map[string]any, ignoreUnknown bool) (map[string]any, error) {
	if len(values) == 0 {
		return nil, nil //nolint:nilnil // nothing is nothing.
	}
	list, err := s.List(ctx, poolID)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]Field, len(list))
	for _, f := range list {
		fields[f.Key] = f
	}
	fit := make(map[string]any, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		f, known := fields[key]
		switch {
		case known:
			v, ok := f.convert(values[key])
			if !ok {
				return nil, errs.New(errs.BadRequest, "field", key)
			}
			fit[key] = v
		case !ignoreUnknown:
			return nil, errs.New(errs.FieldUndefined, "field", key)
		}
	}
	return fit, nil
}

// convert returns v as the field holds it.
func (f Field) convert(v any) (any, bool) {
	if v == nil {
		return nil, true
	}
	switch f.DataType {
	case String:
		return text(v)
	case Number:
		return number(v)
	case Boolean:
		return boolean(v)
	case Datetime:
		return datetime(v)
	case Object:
		switch v.(type) {
		case map[string]any, []any:
			return v, true
		}
	case Select:
		t, ok := text(v)
		if !ok {
			return nil, false
		}
		choices, err := f.choices()
		return t, err == nil && (len(choices) == 0 || slices.Contains(choices, t.(string))) //nolint:forcetypeassert // text made it.
	}
	return nil, false
}

func text(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	}
	if n, ok := number(v); ok {
		return strconv.FormatFloat(n.(float64), 'f', -1, 64), true //nolint:forcetypeassert // number made it.
	}
	return nil, false
}

func number(v any) (any, bool) {
	var f float64
	switch v := v.(type) {
	case float64:
		f = v
	case int:
		f = float64(v)
	case int64:
		f = float64(v)
	case json.Number:
		return number(v.String())
	case string:
		// JSON's idea of a number, so that neither "0x1f" nor "Inf" nor "1_000" is one.
		if json.Unmarshal([]byte(v), &f) != nil || v == "null" {
			return nil, false
		}
	default:
		return nil, false
	}
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

func boolean(v any) (any, bool) {
	switch v {
	case true, "true":
		return true, true
	case false, "false":
		return false, true
	}
	return nil, false
}

// datetime keeps a text as it was written, if it is a time, and writes Unix milliseconds
// as one.
func datetime(v any) (any, bool) {
	if t, ok := v.(string); ok {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly} {
			if _, err := time.Parse(layout, t); err == nil {
				return t, true
			}
		}
		return nil, false
	}
	ms, ok := number(v)
	if !ok {
		return nil, false
	}
	const latest = 253402300799999 // the end of the year 9999
	f := ms.(float64)              //nolint:forcetypeassert // number made it.
	if f < 0 || f > latest {
		return nil, false
	}
	return time.UnixMilli(int64(f)).UTC().Format("2006-01-02T15:04:05.000Z07:00"), true
}

// choices are the texts a Select may hold; none means any.
func (f Field) choices() ([]string, error) {
	if f.DataType != Select || f.Options == "" {
		return nil, nil
	}
	var list []any
	if err := json.Unmarshal([]byte(f.Options), &list); err != nil {
		return nil, err
	}
	choices := make([]string, 0, len(list))
	for _, v := range list {
		if o, ok := v.(map[string]any); ok {
			if v = o["value"]; v == nil {
				v = o["key"]
			}
		}
		t, ok := text(v)
		if !ok {
			return nil, fmt.Errorf("option %v is no text", v)
		}
		choices = append(choices, t.(string)) //nolint:forcetypeassert // text made it.
	}
	return choices, nil
}
