package field_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/pool"
)

func setup(t *testing.T, d *db.DB, fields ...field.Field) *field.Service {
	t.Helper()
	pools := pool.New(d, time.Now)
	for _, id := range []string{"p", "q"} {
		if _, err := pools.Create(t.Context(), id, id, pool.Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	s := field.New(d, time.Now)
	for _, f := range fields {
		if _, err := s.Define(t.Context(), "p", f); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestFieldsComeBackAsDefined(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d, field.Field{Key: "school", DataType: field.String}, field.Field{Key: "age", DataType: field.String})
		if _, err := s.Define(t.Context(), "p", field.Field{Key: "age", DataType: field.Number, Label: "Age"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Define(t.Context(), "q", field.Field{Key: "school", DataType: field.Object}); err != nil { // MT-01
			t.Fatal(err)
		}
		want := map[string]field.Field{ // of one millisecond: in any order
			"school": {Key: "school", DataType: field.String, Label: "school"},
			"age":    {Key: "age", DataType: field.Number, Label: "Age"},
		}
		list, err := s.List(t.Context(), "p")
		got := map[string]field.Field{}
		for _, f := range list {
			got[f.Key] = f
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("-want +got\n%s%v", diff, err)
		}
		if err := s.Remove(t.Context(), "p", "school"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "p", "school"); errs.CodeOf(err) != errs.FieldUndefined {
			t.Errorf("removed: %v", err)
		}
		if _, err := s.Get(t.Context(), "q", "school"); err != nil {
			t.Errorf("another pool's: %v", err)
		}
		if err := s.Remove(t.Context(), "p", "school"); errs.CodeOf(err) != errs.FieldUndefined {
			t.Errorf("removed twice: %v", err)
		}
	})
}

func TestBadDefinitionsAreRefused(t *testing.T) {
	tests := map[string]field.Field{
		"no key":                {DataType: field.String},
		"a type of its own":     {Key: "a", DataType: "TEXT"},
		"a name of JavaScript":  {Key: "__proto__", DataType: field.String},
		"another one":           {Key: "constructor", DataType: field.String},
		"signs":                 {Key: "a b", DataType: field.String},
		"a long key":            {Key: strings.Repeat("k", 65), DataType: field.String},
		"a long label":          {Key: "a", DataType: field.String, Label: strings.Repeat("l", 129)},
		"options that are none": {Key: "a", DataType: field.Select, Options: "red, green"},
		"options of no text":    {Key: "a", DataType: field.Select, Options: `[{"colour":"red"}]`},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		for name, f := range tests {
			if _, err := s.Define(t.Context(), "p", f); errs.CodeOf(err).Kind() != errs.KindInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		for i := range 64 {
			if _, err := s.Define(t.Context(), "p", field.Field{Key: "k" + strconv.Itoa(i), DataType: field.String}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Define(t.Context(), "p", field.Field{Key: "more", DataType: field.String}); errs.CodeOf(err) != errs.FieldTooLong {
			t.Errorf("one too many: %v", err)
		}
		if list, err := s.List(t.Context(), "p"); err != nil || len(list) != 64 {
			t.Errorf("%d fields, %v", len(list), err)
		}
	})
}

func TestRolledBackFieldIsForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		undo := errors.New("undo")
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := s.Define(ctx, "p", field.Field{Key: "ghost", DataType: field.String}); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		if list, err := s.List(t.Context(), "p"); err != nil || len(list) != 0 {
			t.Errorf("list = %v, %v", list, err)
		}
	})
}

func TestValuesFitTheirFields(t *testing.T) {
	object, list := map[string]any{"a": []any{1.0}}, []any{"x"}
	bad := struct{}{}
	tests := map[string]struct {
		key     string
		in, out any // out is bad when it is refused
	}{
		"text":                  {"s", "hust", "hust"},
		"a number for text":     {"s", 20.0, "20"},
		"a bool for text":       {"s", true, "true"},
		"an object for text":    {"s", object, bad},
		"number":                {"n", 1.5, 1.5},
		"an int":                {"n", 20, 20.0},
		"a JSON number":         {"n", json.Number("7"), 7.0},
		"a number as text":      {"n", "20", 20.0},
		"words for a number":    {"n", "twenty", bad},
		"hex for a number":      {"n", "0x14", bad},
		"null for a number":     {"n", "null", bad},
		"no text for a number":  {"n", "", bad},
		"infinity":              {"n", math.Inf(1), bad},
		"too much":              {"n", "1e999", bad},
		"a bool for a number":   {"n", true, bad},
		"bool":                  {"b", false, false},
		"bool as text":          {"b", "true", true},
		"yes":                   {"b", "yes", bad},
		"one":                   {"b", 1.0, bad},
		"a moment":              {"d", "2026-12-05T09:51:49.000Z", "2026-12-05T09:51:49.000Z"},
		"a day":                 {"d", "2026-12-05", "2026-12-05"},
		"milliseconds":          {"d", 1796464309000.0, "2026-12-05T09:51:49.000Z"},
		"no such day":           {"d", "2026-02-30", bad},
		"tomorrow":              {"d", "tomorrow", bad},
		"a time too far":        {"d", 1e300, bad},
		"object":                {"o", object, object},
		"list":                  {"o", list, list},
		"text for an object":    {"o", "{}", bad},
		"a choice":              {"c", "red", "red"},
		"a choice by its key":   {"c", "g", "g"},
		"no choice":             {"c", "blue", bad},
		"anything without any":  {"c0", "blue", "blue"},
		"nothing":               {"n", nil, nil},
		"nothing for an object": {"o", nil, nil},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d,
			field.Field{Key: "s", DataType: field.String}, field.Field{Key: "n", DataType: field.Number},
			field.Field{Key: "b", DataType: field.Boolean}, field.Field{Key: "d", DataType: field.Datetime},
			field.Field{Key: "o", DataType: field.Object}, field.Field{Key: "c0", DataType: field.Select},
			field.Field{Key: "c", DataType: field.Select, Options: `["red",{"key":"g","label":"Green"},{"value":3}]`},
		)
		for name, tt := range tests {
			got, err := s.Check(t.Context(), "p", map[string]any{tt.key: tt.in}, true)
			if tt.out == bad {
				if e := errs.From(err); e == nil || e.Code != errs.BadRequest || e.Params["field"] != tt.key {
					t.Errorf("%s: %v, %v", name, got, err)
				}
				continue
			}
			if diff := cmp.Diff(map[string]any{tt.key: tt.out}, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}
		mixed := map[string]any{"s": "x", "unknown": 1.0}
		if got, err := s.Check(t.Context(), "p", mixed, true); err != nil || len(got) != 1 {
			t.Errorf("ignored: %v, %v", got, err)
		}
		_, err := s.Check(t.Context(), "p", mixed, false)
		if e := errs.From(err); e == nil || e.Code != errs.FieldUndefined || e.Params["field"] != "unknown" {
			t.Errorf("not ignored: %v", err)
		}
		if _, err := s.Check(t.Context(), "q", map[string]any{"s": "x"}, false); errs.CodeOf(err) != errs.FieldUndefined { // MT-01
			t.Errorf("another pool: %v", err)
		}
	})
}
