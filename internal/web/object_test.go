package web_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

type inner struct {
	Name string   `json:"name"`
	IDs  []string `json:"ids"`
	Path string   `path:"path"`
}

func (i inner) Validate() error {
	if i.Name == "refused" {
		return errs.New(errs.NotImplemented)
	}
	return nil
}

func TestObjectReadsAsStrictlyAsABody(t *testing.T) {
	t.Parallel()
	read := web.Object[inner]()
	for name, tt := range map[string]struct {
		text string
		want inner
		code errs.Code
	}{
		"members":           {`{"name":"a","ids":["x"],"path":"p","other":{}}`, inner{Name: "a", IDs: []string{"x"}}, ""},
		"null":              {`{"name":null}`, inner{}, ""},
		"another case":      {`{"NAME":"a"}`, inner{}, ""},
		"no object":         {`[]`, inner{}, errs.BadRequest},
		"a wrong type":      {`{"name":1}`, inner{}, errs.BadRequest},
		"a name twice":      {`{"name":"a","name":"b"}`, inner{}, errs.BadRequest},
		"what it validates": {`{"name":"refused"}`, inner{}, errs.NotImplemented},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read([]byte(tt.text))
			if errs.CodeOf(err) != tt.code {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := web.Object[int]()([]byte(`{}`)); err == nil || errors.Is(err, errs.New(errs.BadRequest)) {
		t.Errorf("an input that is no struct: %v", err)
	}
}
